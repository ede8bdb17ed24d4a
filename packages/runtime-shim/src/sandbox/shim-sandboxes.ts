import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, Fault, type Scope, validateIdentifier } from '@stowage/core';
import type { SandboxController, Sandboxer, SandboxRef } from '@stowage/sandboxes';
import type { ShimContext } from '../context.ts';
import { Table } from '../table.ts';
import { adoptSandbox } from './adopt-sandbox.ts';
import { Departed, type SandboxContext } from './context.ts';
import type { SandboxEndpoint, ShimSandbox } from './sandbox.ts';
import { shimController } from './shim-controller.ts';

/**
 * Sandboxes by any shim that serves containerd's Sandbox service, one shim for each. They outlive this process; the next
 * one finds them again.
 *
 * A shim that ends unasked ends its sandbox: whoever waits is told 255, and what is left is cleared away. Until it is shut
 * down, or another one is made of its id, `wait` goes on to answer.
 *
 * @see containerd plugins/sandbox/controller.go
 */
export class ShimSandboxes implements Sandboxer, AsyncDisposable {
  readonly #context: SandboxContext;
  #closed = false;

  private constructor(context: SandboxContext) {
    this.#context = context;
  }

  /**
   * Finds the sandboxes of earlier processes, each within seconds.
   *
   * @param state - directory of bundles: `<namespace>/<id>`. What is in it must not be older than the machine's boot.
   */
  static async open(shims: ShimContext, state: string): Promise<ShimSandboxes> {
    await mkdir(state, { recursive: true, mode: 0o700 });
    const { at, lookup, log, connections, mounter, starter } = shims;
    const context: SandboxContext = {
      ...{ at, lookup, log, connections, mounter, starter, state },
      sandboxes: new Table<ShimSandbox>(),
      departed: new Departed(),
    };
    const found: SandboxRef[] = [];
    for (const namespace of await readdir(state))
      for (const id of await namesIn(join(state, namespace))) found.push({ namespace, id });
    await Promise.all(found.map((ref) => adoptSandbox(context, ref)));
    return new ShimSandboxes(context);
  }

  readonly controller = ({ namespace }: Scope): SandboxController => {
    if (namespace === '') throw new Fault('failed_precondition', 'namespace is required');
    validateIdentifier(namespace, 'namespace');
    if (this.#closed) throw closed();
    return shimController(this.#context, namespace);
  };

  async *unfinished(): AsyncGenerator<SandboxRef> {
    const { sandboxes, departed } = this.#context;
    // Also one that is just being cleared away.
    const running = [...sandboxes.values()].filter(({ isStarted, exit }) => isStarted && exit === undefined);
    yield* [...running.map(({ namespace, id }) => ({ namespace, id })), ...departed.news()];
  }

  /** How containers join a sandbox. Undefined for one that is not there. */
  endpoint(ref: SandboxRef): SandboxEndpoint | undefined {
    const sandbox = this.#context.sandboxes.get(ref);
    if (sandbox?.phase !== 'there' || sandbox.line === undefined) return undefined;
    return { ...sandbox.line.bootstrap, binary: sandbox.binary };
  }

  /** Sandboxes go on. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const { sandboxes } = this.#context;
    // What is under way with a sandbox is finished first.
    for (const sandbox of [...sandboxes.values()]) (await sandboxes.lock(sandbox))[Symbol.dispose]();
    for (const sandbox of sandboxes.values()) {
      await sandbox.line?.lease[Symbol.asyncDispose]();
      sandbox.gone.reject(closed());
    }
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (e) {
    if (errnoOf(e) === 'ENOTDIR') return [];
    throw e;
  }
}

function closed(): Fault {
  return new Fault('unavailable', 'the sandbox controller is closed');
}
