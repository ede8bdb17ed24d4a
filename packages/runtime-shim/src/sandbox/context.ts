import { join } from 'node:path';
import type { SandboxExit, SandboxRef } from '@stowage/sandboxes';
import type { ShimContext } from '../context.ts';
import type { Table } from '../table.ts';
import type { ShimSandbox } from './sandbox.ts';

/** What the steps of a sandbox's life share. */
export interface SandboxContext
  extends Pick<ShimContext, 'at' | 'lookup' | 'log' | 'connections' | 'mounter' | 'starter'> {
  readonly state: string;
  readonly sandboxes: Table<ShimSandbox>;
  readonly departed: Departed;
}

export function bundleOf({ state }: Pick<SandboxContext, 'state'>, { namespace, id }: SandboxRef): string {
  return join(state, namespace, id);
}

/** What is kept of sandboxes whose shim ended; of the oldest nothing, once there are very many. */
const MOST = 1024;

/** How sandboxes ended whose shim ended unasked, for who asks before they are shut down. */
export class Departed {
  readonly #exits = new Map<string, SandboxRef & { readonly exit: SandboxExit; readonly isNews: boolean }>();

  /** @param isNews - whether nobody heard of its end yet. */
  add(sandbox: SandboxRef, exit: SandboxExit, isNews: boolean): void {
    const { namespace, id } = sandbox;
    this.forget(sandbox);
    this.#exits.set(`${namespace}/${id}`, { namespace, id, exit, isNews });
    const [oldest] = this.#exits.keys();
    if (this.#exits.size > MOST && oldest !== undefined) this.#exits.delete(oldest);
  }

  exitOf({ namespace, id }: SandboxRef): SandboxExit | undefined {
    return this.#exits.get(`${namespace}/${id}`)?.exit;
  }

  /** @returns whether there was one. */
  forget({ namespace, id }: SandboxRef): boolean {
    return this.#exits.delete(`${namespace}/${id}`);
  }

  news(): SandboxRef[] {
    return [...this.#exits.values()].flatMap(({ namespace, id, isNews }) =>
      isNews ? [{ namespace, id }] : [],
    );
  }
}
