import { create } from '@bufbuild/protobuf';
import { StatusSchema } from '@stowage/api/google/rpc';
import {
  PluginSchema,
  type ServerResponse,
  ServerResponseSchema,
  type Plugin as WirePlugin,
} from '@stowage/api/introspection/v1';
import { type Platform, type PluginStatus, Skip } from '@stowage/core';
import { dateOf, timestampOf } from '@stowage/rpc';
import type { ServerInfo } from './introspection.ts';

const UNKNOWN = 2;

/** containerd's ErrSkipPlugin ends a message with these words; `ctr plugins ls` shows such a plugin as skipped. */
const SKIP = 'skip plugin';

export function pluginToWire(status: PluginStatus): WirePlugin {
  const { type, id, requires, platforms, capabilities, exports, state, error } = status;
  const message = error?.message ?? state;
  return create(PluginSchema, {
    type,
    id,
    requires: [...requires],
    platforms: platforms.map(({ os, architecture, variant }) => ({
      os,
      architecture,
      variant: variant ?? '',
    })),
    capabilities: [...capabilities],
    exports: Object.fromEntries(exports),
    ...(state !== 'ok' && {
      initErr: create(StatusSchema, {
        code: UNKNOWN,
        message: state === 'skipped' ? `${message}: ${SKIP}` : message,
      }),
    }),
  });
}

export function pluginFromWire(wire: WirePlugin): PluginStatus {
  const { type, id, requires, capabilities, exports, initErr } = wire;
  const platforms: Platform[] = wire.platforms.map(({ os, architecture, variant }) =>
    variant === '' ? { os, architecture } : { os, architecture, variant },
  );
  const same = { type, id, requires, platforms, capabilities, exports: new Map(Object.entries(exports)) };
  if (initErr === undefined) return { ...same, state: 'ok' };
  if (!initErr.message.endsWith(SKIP)) return { ...same, state: 'failed', error: new Error(initErr.message) };
  return { ...same, state: 'skipped', error: new Skip(initErr.message.slice(0, -SKIP.length - 2)) };
}

export function serverToWire({ uuid, pid, pidNamespace, deprecations }: ServerInfo): ServerResponse {
  return create(ServerResponseSchema, {
    uuid,
    pid,
    pidns: pidNamespace,
    deprecations: deprecations.map(({ id, message, lastOccurrence }) => ({
      id,
      message,
      lastOccurrence: timestampOf(lastOccurrence),
    })),
  });
}

export function serverFromWire({ uuid, pid, pidns, deprecations }: ServerResponse): ServerInfo {
  return {
    uuid,
    pid,
    pidNamespace: pidns,
    deprecations: deprecations.map(({ id, message, lastOccurrence }) => ({
      id,
      message,
      lastOccurrence: dateOf(lastOccurrence) ?? new Date(0),
    })),
  };
}
