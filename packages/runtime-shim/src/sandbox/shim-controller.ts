import { abortable, type CallOptions, Fault } from '@stowage/core';
import { dateOf, typedBytesOf } from '@stowage/rpc';
import type { SandboxController, SandboxInstance, SandboxStatus } from '@stowage/sandboxes';
import { metricsFromWire, sandboxPlatformFromWire } from '@stowage/sandboxes/convert-controller';
import type { SandboxContext } from './context.ts';
import { discardSandbox, shutDownSandbox } from './end-sandbox.ts';
import { makeSandbox } from './make-sandbox.ts';
import { missingSandbox, type SandboxLine, type ShimSandbox } from './sandbox.ts';
import { waitForExit } from './sandbox-exit.ts';

/** One namespace's sandboxes: each is asked of its own shim. @see containerd plugins/sandbox/controller.go */
export function shimController(context: SandboxContext, namespace: string): SandboxController {
  const { sandboxes, departed } = context;
  const find = (id: string): (ShimSandbox & { readonly line: SandboxLine }) | undefined => {
    const sandbox = sandboxes.get({ namespace, id });
    return sandbox?.phase === 'there' && hasLine(sandbox) ? sandbox : undefined;
  };
  const there = (id: string) => {
    const sandbox = find(id);
    if (sandbox === undefined) throw missingSandbox({ namespace, id });
    return sandbox;
  };
  const start = async (id: string, lock: Disposable): Promise<SandboxInstance> => {
    using _lock = lock;
    const sandbox = there(id);
    if (sandbox.isStarted) {
      throw new Fault('failed_precondition', `start sandbox ${id}: it was started before`);
    }
    const { calls } = sandbox.line;
    try {
      // Before it is so: one that may run is not started again after a crash.
      sandbox.isStarted = true;
      await sandbox.save();
      const { pid, createdAt, spec } = await calls.startSandbox({ sandboxId: id });
      const labels = {};
      return {
        id,
        pid,
        createdAt: dateOf(createdAt),
        labels,
        ...endpointOf(sandbox.line),
        spec: typedBytesOf(spec),
      };
    } catch (e) {
      await discardSandbox(context, sandbox);
      throw e;
    }
  };
  const absent = (id: string): SandboxStatus => ({
    ...{ id, pid: 0, state: '', info: {}, address: '', version: 0 },
    ...{ createdAt: undefined, extra: undefined },
    exitedAt: departed.exitOf({ namespace, id })?.exitedAt ?? new Date(),
  });

  return {
    create: (request, options) => makeSandbox(context, namespace, request, options),
    async start(id, { signal } = {}) {
      const lock = await sandboxes.lock({ namespace, id }, signal);
      // Not interrupted where its caller leaves: nobody would know whether it runs.
      return abortable(start(id, lock), signal);
    },
    async platform(id, options) {
      const { platform } = await there(id).line.calls.platform({ sandboxId: id }, options);
      return sandboxPlatformFromWire(platform, id);
    },
    async stop(id, { timeoutSeconds = 0, signal } = {}) {
      const sandbox = find(id);
      if (sandbox === undefined) return;
      try {
        await sandbox.line.calls.stopSandbox({ sandboxId: id, timeoutSecs: timeoutSeconds }, { signal });
      } catch (e) {
        if (!Fault.is(e, 'not_found') && !Fault.is(e, 'unavailable')) throw e;
      }
    },
    async wait(id, options) {
      const sandbox = sandboxes.get({ namespace, id });
      if (sandbox?.phase === 'there') return waitForExit(context, sandbox, options);
      // Its end is there when all is cleared away.
      if (sandbox?.isMade) return abortable(sandbox.gone.promise, options?.signal);
      const exit = departed.exitOf({ namespace, id });
      if (exit === undefined) throw missingSandbox({ namespace, id });
      return exit;
    },
    async status(id, { verbose = false, signal } = {}) {
      const sandbox = find(id);
      if (sandbox === undefined) return absent(id);
      try {
        const told = await sandbox.line.calls.sandboxStatus({ sandboxId: id, verbose }, { signal });
        const { pid, state, info, createdAt, exitedAt, extra } = told;
        const at = exitedAt && dateOf(exitedAt);
        return {
          ...{ id, pid, state, info, ...endpointOf(sandbox.line) },
          createdAt: dateOf(createdAt),
          exitedAt: at !== undefined && at.getTime() > 0 ? at : undefined,
          extra: typedBytesOf(extra),
        };
      } catch (e) {
        if (!Fault.is(e, 'unavailable') || sandbox.isServed) throw e;
        return absent(id);
      }
    },
    async shutdown(id, { signal } = {}) {
      const sandbox = find(id);
      if (sandbox === undefined && departed.forget({ namespace, id })) return;
      await abortable(shutDownSandbox(context, there(id), { signal }), signal);
    },
    async metrics(id, options: CallOptions = {}) {
      const { metrics } = await there(id).line.calls.sandboxMetrics({ sandboxId: id }, options);
      return metricsFromWire(metrics, id);
    },
    // Shims have no call for it (containerd's controller does nothing either).
    async update(sandbox) {
      there(sandbox.id);
    },
  };
}

function hasLine(sandbox: ShimSandbox): sandbox is ShimSandbox & { readonly line: SandboxLine } {
  return sandbox.line !== undefined;
}

/** In containerd's form: the protocol before the scheme. */
function endpointOf({ bootstrap: { path, version } }: SandboxLine) {
  return { address: `ttrpc+unix://${path}`, version };
}
