import { rmSync } from 'node:fs';
import type { Logger } from '@stowage/core';
import { close } from '@stowage/linux';
import { acceptUnix, listenUnix, peerCredentials } from '@stowage/linux/sockets';
import { type Handles, type HandoverMessage, type ProcessRef, refKey } from '../handover-message.ts';
import { receiveHandovers, sendHandover } from '../handover-socket.ts';
import type { TaskProcess } from './task-process.ts';

/** How soon a daemon whose socket is full is tried again. */
const RETRY_MS = 100;

interface Kept {
  readonly ref: ProcessRef;
  readonly process: TaskProcess;
}

/**
 * Has every daemon that is connected hold what keeps terminals and standard inputs alive, and takes from it what it
 * held while there was no supervisor. So only the death of both loses a terminal.
 *
 * Nothing here waits, and no thread or poller is needed: what a daemon sent is in its socket before it makes a call,
 * so it is taken when the call comes; and what is sent here is safe as soon as it is in the socket, whenever the
 * daemon takes it, and whether or not this process is alive then.
 */
export class Handover implements Disposable {
  readonly #listener: number;
  readonly #log: Logger;
  readonly #kept = new Map<string, Kept>();
  /** By connection, the keys of processes of which the daemon does not know the latest. */
  readonly #daemons = new Map<number, Set<string>>();
  #timer: NodeJS.Timeout | undefined;

  /** Listens at a path that this process alone uses. */
  constructor(path: string, log: Logger) {
    rmSync(path, { force: true });
    this.#log = log;
    this.#listener = listenUnix(path, 0o600, { type: 'seqpacket' });
  }

  /** From now on daemons hold what this process needs, if it is anything. Call it before the process is told of. */
  keep(ref: ProcessRef, process: TaskProcess): void {
    const { terminal, stdin, stdout, stderr } = process.stdio;
    const mayLog = [stdout, stderr].some((uri) => uri.startsWith('file:'));
    if (!terminal && stdin === '' && !mayLog) return;
    this.#kept.set(refKey(ref), { ref, process });
    this.changed(ref);
  }

  /** Tells daemons what a process needs now. */
  changed(ref: ProcessRef): void {
    const key = refKey(ref);
    if (!this.#kept.has(key)) return;
    for (const unsent of this.#daemons.values()) unsent.add(key);
    this.#flush();
  }

  /** The process is deleted. */
  forget(ref: ProcessRef): void {
    this.#kept.delete(refKey(ref));
  }

  /** Takes all that daemons sent before now. */
  settle(): void {
    for (let fd = acceptUnix(this.#listener); fd !== undefined; fd = acceptUnix(this.#listener)) {
      if (peerCredentials(fd).uid === process.geteuid?.()) this.#daemons.set(fd, new Set(this.#kept.keys()));
      else close(fd);
    }
    for (const fd of this.#daemons.keys()) this.#receive(fd);
    this.#flush();
  }

  #receive(fd: number): void {
    try {
      if (receiveHandovers(fd, (message, handles) => this.#take(message, handles)).open) return;
    } catch (err) {
      this.#log.warn({ err }, 'a daemon could not hand descriptors over');
    }
    this.#drop(fd);
  }

  #take({ process: ref, pid, startTime }: HandoverMessage, handles: Handles): void {
    const { process } = this.#kept.get(refKey(ref)) ?? {};
    if (process?.io !== undefined && process.pid === pid && process.startTime?.toString() === startTime) {
      process.io.take(handles);
    } else {
      for (const fd of Object.values(handles)) close(fd);
    }
  }

  #flush(): void {
    for (const [fd, unsent] of this.#daemons) {
      try {
        for (const key of unsent) {
          if (!this.#send(fd, key)) break;
          unsent.delete(key);
        }
      } catch (err) {
        // It is gone, most likely; one that comes again is told anew.
        this.#log.debug({ err }, 'a daemon takes no descriptors any more');
        this.#drop(fd);
      }
    }
    const full = [...this.#daemons.values()].some((unsent) => unsent.size > 0);
    clearTimeout(this.#timer);
    this.#timer = full ? setTimeout(() => this.#flush(), RETRY_MS).unref() : undefined;
  }

  /** False if it has to wait. */
  #send(daemon: number, key: string): boolean {
    const kept = this.#kept.get(key);
    // That a process has ended is told by its event.
    if (kept === undefined || kept.process.phase === 'stopped') return true;
    const { ref, process } = kept;
    const message = { process: ref, pid: process.pid, startTime: String(process.startTime ?? 0) };
    return sendHandover(daemon, message, process.io?.handles() ?? {});
  }

  #drop(fd: number): void {
    this.#daemons.delete(fd);
    close(fd);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    for (const fd of [...this.#daemons.keys()]) this.#drop(fd);
    close(this.#listener);
  }
}
