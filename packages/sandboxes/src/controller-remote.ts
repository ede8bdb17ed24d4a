import type { Transport } from '@connectrpc/connect';
import { Controller } from '@stowage/api/sandbox/v1';
import type { Scope } from '@stowage/core';
import { rpcClient } from '@stowage/rpc';
import { newSandboxToWire } from './convert.ts';
import {
  createSandboxToWire,
  instanceFromWire,
  metricsFromWire,
  sandboxExitFromWire,
  sandboxPlatformFromWire,
  statusFromWire,
} from './convert-controller.ts';
import type { SandboxController } from './sandbox-controller.ts';

/**
 * A controller behind any Connect transport: one of a daemon's by its name, or that of a process which a daemon proxies.
 *
 * @param sandboxer - `shim`, or as the other side calls it.
 */
export function remoteSandboxController(
  transport: Transport,
  scope: Scope,
  sandboxer: string,
): SandboxController {
  const rpc = rpcClient(Controller, transport, scope);
  const of = (sandboxId: string) => ({ sandboxId, sandboxer });
  return {
    async create(request, { signal } = {}) {
      await rpc.create(createSandboxToWire(request, sandboxer), { signal });
    },
    async start(id, { signal } = {}) {
      return instanceFromWire(await rpc.start(of(id), { signal }), id);
    },
    async platform(id, { signal } = {}) {
      return sandboxPlatformFromWire((await rpc.platform(of(id), { signal })).platform, id);
    },
    async stop(id, { signal, timeoutSeconds = 0 } = {}) {
      await rpc.stop({ ...of(id), timeoutSecs: timeoutSeconds }, { signal });
    },
    async wait(id, { signal } = {}) {
      return sandboxExitFromWire(await rpc.wait(of(id), { signal }));
    },
    async status(id, { signal, verbose = false } = {}) {
      return statusFromWire(await rpc.status({ ...of(id), verbose }, { signal }), id);
    },
    async shutdown(id, { signal } = {}) {
      await rpc.shutdown(of(id), { signal });
    },
    async metrics(id, { signal } = {}) {
      return metricsFromWire((await rpc.metrics(of(id), { signal })).metrics, id);
    },
    async update(sandbox, paths = [], { signal } = {}) {
      const request = { ...of(sandbox.id), sandbox: newSandboxToWire(sandbox), fields: [...paths] };
      await rpc.update(request, { signal });
    },
  };
}
