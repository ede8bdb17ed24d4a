import { join } from 'node:path';

/** Where things lie below the state directory. All of it is root's alone: directories 0700, files and sockets 0600. */
export interface Layout {
  readonly state: string;
  /** One directory for each build of the supervisor that ran: `<build>/{sock,fds,lock,info.json,log}`. */
  readonly supervisors: string;
  /** `<namespace>/<id>/task.json` */
  readonly tasks: string;
  /** Held by the one supervisor that owns the tasks. */
  readonly lock: string;
  /** Events that no daemon has passed on yet. */
  readonly events: string;
  /** The OCI runtime's own state: `<namespace>/<id>`. */
  readonly runtime: string;
}

export function layout(state: string): Layout {
  return {
    state,
    supervisors: join(state, 'supervisor'),
    tasks: join(state, 'tasks'),
    lock: join(state, 'lock'),
    events: join(state, 'events'),
    runtime: join(state, 'runc'),
  };
}

/** What lies in the directory of one build. */
export interface SupervisorFiles {
  readonly directory: string;
  readonly sock: string;
  /** Where it is called by a daemon, or by the containerd whose shim it is. */
  readonly ttrpc: string;
  /** Where descriptors are passed that keep streams alive. */
  readonly handover: string;
  /** Held for life: whoever can take it knows that nobody serves `sock`. */
  readonly lock: string;
  readonly info: string;
  readonly log: string;
}

export function supervisorFiles(directory: string): SupervisorFiles {
  return {
    directory,
    sock: join(directory, 'sock'),
    ttrpc: join(directory, 'ttrpc'),
    handover: join(directory, 'fds'),
    lock: join(directory, 'lock'),
    info: join(directory, 'info.json'),
    log: join(directory, 'log'),
  };
}

/** `info.json`: what runs there, for people and for a daemon that looks for it. */
export interface SupervisorInfo {
  readonly pid: number;
  /** Clock ticks from boot; with the pid it names one process. */
  readonly startTime: string;
  readonly build: string;
  readonly version: string;
  readonly node: string;
}

/** Response header of the supervisor: number of the last event that was told before the call answered. */
export const SEQ_HEADER = 'stowage-event-seq';
