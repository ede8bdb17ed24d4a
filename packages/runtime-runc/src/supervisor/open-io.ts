import type { CallOptions } from '@stowage/core';
import type { SupervisorContext } from './context.ts';
import type { LoggerHost } from './logging-binary.ts';
import { PlainIO } from './plain-io.ts';
import type { ProcessIO } from './process-io.ts';
import type { TaskProcess } from './task-process.ts';
import { TerminalIO } from './terminal-io.ts';

/** Whose streams they are. */
export interface IoPlace {
  readonly namespace: string;
  /** Of the container. */
  readonly id: string;
  /** The path that the names of all files of the process begin with. */
  readonly files: string;
  readonly owner: IoOwner;
}

/** Who shall own FIFOs that a process is given. */
export interface IoOwner {
  readonly ioUid: number;
  readonly ioGid: number;
}

/** Opens the streams of a process that is about to be made. */
export function openIO(
  { stdio }: TaskProcess,
  place: IoPlace,
  context: SupervisorContext,
  options: CallOptions,
): Promise<ProcessIO> {
  const host = hostOf(place, context);
  return stdio.terminal
    ? TerminalIO.open(stdio, { host, socketPath: context.consolePath(), poller: context.poller }, options)
    : PlainIO.open(stdio, { host, owner: place.owner }, options);
}

/**
 * The streams of a process that an earlier supervisor started. Its FIFOs and its logging binaries are found again.
 * What its terminal needs is lost, unless a daemon kept it and hands it over.
 */
export function adoptIO(
  process: TaskProcess,
  place: IoPlace,
  context: SupervisorContext,
): Promise<ProcessIO> {
  const host = hostOf(place, context);
  return process.stdio.terminal ? TerminalIO.adopt(process, host) : PlainIO.adopt(process, host);
}

function hostOf({ namespace, id, files }: IoPlace, context: SupervisorContext): LoggerHost {
  const { reaper, commands, log } = context;
  return { namespace, id, files, reaper, commands, log };
}
