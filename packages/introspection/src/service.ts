import { Introspection as IntrospectionService } from '@stowage/api/introspection/v1';
import { Version as VersionService } from '@stowage/api/version/v1';
import { anyOf, type Routes, serviceRoutes, typedBytesOf } from '@stowage/rpc';
import { pluginToWire, serverToWire } from './convert.ts';
import type { Introspection, Version } from './introspection.ts';

/** Offers `containerd.services.introspection.v1.Introspection`. */
export function introspectionRoutes(introspection: Introspection): Routes {
  return serviceRoutes(IntrospectionService, {
    plugins: async ({ filters }, context) => ({
      plugins: (await introspection.plugins(filters, context)).map(pluginToWire),
    }),
    server: async (_, context) => serverToWire(await introspection.server(context)),
    pluginInfo: async ({ type, id, options }, context) => {
      const { plugin, extra } = await introspection.pluginInfo(
        { type, id, options: typedBytesOf(options) },
        context,
      );
      return { plugin: pluginToWire(plugin), ...(extra && { extra: anyOf(extra) }) };
    },
  });
}

/** Offers `containerd.services.version.v1.Version`. */
export function versionRoutes(version: Version): Routes {
  return serviceRoutes(VersionService, { version: (_, context) => version.version(context) });
}
