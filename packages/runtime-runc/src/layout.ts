import { join } from 'node:path';
import { Fault, quote } from '@stowage/core';

const NAME = /^[\w-][\w.@-]*$/;

/** Where things lie below the state directory. All of it is root's alone: directories 0700, files and sockets 0600. */
export interface Layout {
  readonly state: string;
  /** The directory of each supervisor: `<name>/{sock,ttrpc,fds,lock,info.json,events,log}`. */
  readonly supervisors: string;
  /** The program of each build that runs, if it is a bundle: `<build>/`. */
  readonly programs: string;
  /** `<namespace>/<id>/task.json` */
  readonly tasks: string;
  /** Held for life by a supervisor that is the shim of a containerd: it has all tasks. */
  readonly lock: string;
  /** Events that the shim of a containerd has not passed on yet. */
  readonly events: string;
  /** The OCI runtime's own state: `<namespace>/<id>`. */
  readonly runtime: string;
}

export function layout(state: string): Layout {
  return {
    state,
    supervisors: join(state, 'supervisor'),
    programs: join(state, 'program'),
    tasks: join(state, 'tasks'),
    lock: join(state, 'lock'),
    events: join(state, 'events'),
    runtime: join(state, 'runc'),
  };
}

export function isSupervisorName(name: string): boolean {
  return NAME.test(name);
}

/** Where a supervisor of a name is. */
export function supervisorDirectory({ supervisors }: Layout, name: string): string {
  if (!isSupervisorName(name))
    throw new Fault('invalid_argument', `supervisor ${quote(name)}: is no name of one`);
  return join(supervisors, name);
}

/** What lies in the directory of a supervisor. */
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
  /** What no daemon has passed on yet. */
  readonly events: string;
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
    events: join(directory, 'events'),
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
  /** Which containers it has; empty for all. */
  readonly group: string;
  readonly node: string;
}

/** Response header of the supervisor: number of the last event that was told before the call answered. */
export const SEQ_HEADER = 'stowage-event-seq';
