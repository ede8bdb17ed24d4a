import { Controller } from '@stowage/api/sandbox/v1';
import { platformToWire, type Routes, scopeOf, serviceRoutes } from '@stowage/rpc';
import { newSandboxFromWire } from './convert.ts';
import {
  createSandboxFromWire,
  instanceToWire,
  metricsToWire,
  sandboxExitToWire,
  statusToWire,
} from './convert-controller.ts';
import type { SandboxController, SandboxControllers } from './sandbox-controller.ts';

/** Serves controllers by their names as `containerd.services.sandbox.v1.Controller`. */
export function sandboxControllerRoutes(controllers: SandboxControllers): Routes {
  const of = (
    { sandboxer }: { readonly sandboxer: string },
    context: { readonly requestHeader: Headers },
  ): SandboxController => controllers.controller(scopeOf(context), sandboxer);
  return serviceRoutes(Controller, {
    async create(request, context) {
      const { signal } = context;
      const wanted = createSandboxFromWire(request);
      await of(request, context).create(wanted, { signal });
      return { sandboxId: wanted.id };
    },
    async start(request, context) {
      const { signal } = context;
      return instanceToWire(await of(request, context).start(request.sandboxId, { signal }));
    },
    async platform(request, context) {
      const { signal } = context;
      return { platform: platformToWire(await of(request, context).platform(request.sandboxId, { signal })) };
    },
    async stop(request, context) {
      const { sandboxId, timeoutSecs: timeoutSeconds } = request;
      await of(request, context).stop(sandboxId, { timeoutSeconds, signal: context.signal });
      return {};
    },
    async wait(request, context) {
      const { signal } = context;
      return sandboxExitToWire(await of(request, context).wait(request.sandboxId, { signal }));
    },
    async status(request, context) {
      const { sandboxId, verbose } = request;
      return statusToWire(await of(request, context).status(sandboxId, { verbose, signal: context.signal }));
    },
    async shutdown(request, context) {
      await of(request, context).shutdown(request.sandboxId, { signal: context.signal });
      return {};
    },
    async metrics(request, context) {
      const { signal } = context;
      return { metrics: metricsToWire(await of(request, context).metrics(request.sandboxId, { signal })) };
    },
    async update(request, context) {
      const { signal } = context;
      await of(request, context).update(newSandboxFromWire(request.sandbox), request.fields, { signal });
      return {};
    },
  });
}
