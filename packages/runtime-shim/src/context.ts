import type { Logger } from '@stowage/core';
import type { Mounter } from '@stowage/linux/mounter';
import type { TaskRef } from '@stowage/runtime';
import type { ShimConnections } from './connections.ts';
import type { LookupOptions } from './lookup.ts';
import type { TaskRecords } from './records.ts';
import type { EventRelay } from './relay.ts';
import type { SandboxEndpoint } from './sandbox/sandbox.ts';
import type { Addresses } from './shim-command.ts';
import type { ShimStarter } from './start-shim.ts';
import type { Table } from './table.ts';
import type { ShimTask } from './task.ts';

/** What the steps of a task's life share. */
export interface ShimContext {
  readonly at: Addresses;
  readonly lookup: LookupOptions;
  readonly log: Logger;
  readonly tasks: Table<ShimTask>;
  readonly records: TaskRecords;
  readonly connections: ShimConnections;
  readonly mounter: Mounter;
  readonly relay: EventRelay;
  readonly starter: ShimStarter;
  /** How a sandbox that runs by a shim of this process's is reached. */
  findSandbox(sandbox: TaskRef): SandboxEndpoint | undefined;
}
