import type { Logger } from '@stowage/core';
import type { CgroupLayout } from '@stowage/linux/cgroup';
import type { Mounter } from '@stowage/linux/mounter';
import type { Poller } from '@stowage/linux/poller';
import type { CommandRunner } from './command.ts';
import type { EventLog } from './event-log.ts';
import type { Handover } from './handover.ts';
import type { NamespaceCgroups } from './namespace-cgroups.ts';
import type { Reaper } from './reaper.ts';
import type { RuntimeDefaults } from './runtime-choice.ts';
import type { Undoings } from './undoings.ts';

/** What all tasks of a supervisor share. */
export interface SupervisorContext {
  readonly events: EventLog;
  readonly commands: CommandRunner;
  readonly reaper: Reaper;
  readonly poller: Poller;
  readonly handover: Pick<Handover, 'keep' | 'changed' | 'forget'>;
  readonly mounter: Pick<Mounter, 'mount' | 'unmount'>;
  readonly cgroups: CgroupLayout;
  readonly namespaceCgroups: NamespaceCgroups;
  readonly undoings: Undoings;
  /** Whether systemd runs here. */
  readonly systemd: boolean;
  readonly defaults: RuntimeDefaults;
  readonly log: Logger;
  /** Name of this supervisor, as the records of its tasks have it. */
  readonly owner: string;
  /** Directory of the tasks: `<namespace>/<id>`. */
  readonly tasks: string;
  /** A path, not in use, where a console socket may listen. */
  consolePath(): string;
  readonly version: string;
}
