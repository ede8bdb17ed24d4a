import type { CallOptions } from '@stowage/core';

/**
 * What to do with containers of a namespace that takes more than the daemon: where their output goes when they start, how
 * long they are given to end, which files go with them. Whoever serves the page knows.
 */
export interface ContainerActions {
  /** Starts one that nobody stays with. One that runs is left as it is. @throws Fault `not_found` */
  start(id: string, options: CallOptions): Promise<void>;
  /** Asks it to end, and ends it when it takes too long. @throws Fault `not_found` */
  stop(id: string, options: CallOptions): Promise<void>;
  /**
   * Removes it with all that belongs to it.
   *
   * @param options - `force`: one that runs is killed first.
   * @throws Fault `not_found`; `failed_precondition` for one that runs, without `force`.
   */
  remove(id: string, options: CallOptions & { readonly force: boolean }): Promise<void>;
}
