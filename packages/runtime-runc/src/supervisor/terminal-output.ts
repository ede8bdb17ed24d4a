import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type { Logger } from '@stowage/core';
import { openFifo } from '@stowage/linux';
import { FifoTail } from './fifo-tail.ts';
import { LogCopy } from './log-copy.ts';
import { LogFile } from './log-file.ts';
import type { LogTarget } from './log-target.ts';
import type { LoggerTarget, StreamTarget } from './stream-target.ts';

/** Where a terminal's output goes. */
export interface OutputSink {
  /** What has to stay open, or readers would see the end. Undefined if nothing has to. */
  readonly fd: number | undefined;
  take(output: Readable): void;
  /** There is no more output. Settles when all of it was written; a FIFO ends for its reader once it was read. */
  finish(): Promise<void>;
  close(): void;
}

export async function openSink(
  target: Exclude<StreamTarget, LoggerTarget>,
  log: Logger,
): Promise<OutputSink> {
  switch (target.kind) {
    case 'none':
      return { fd: undefined, take: (output) => void output.resume(), finish: async () => {}, close() {} };
    case 'fifo':
      // Open for both directions: a writer alone would be refused while nobody reads.
      return fifoSink(openFifo(target.path, 'both', { nonblocking: true }));
    case 'file': {
      const file = await open(target.path, 'a', 0o640);
      const stream = createWriteStream('', { fd: file });
      return { fd: undefined, ...streamSink(stream), close: () => void stream.destroy() };
    }
    case 'log':
      return await logSink(target, log);
  }
}

async function logSink(target: LogTarget, log: Logger): Promise<OutputSink> {
  const file = new LogFile(target, log);
  await file.open();
  let copy: LogCopy | undefined;
  return {
    fd: undefined,
    take(output) {
      copy = new LogCopy(output, 'stdout', file);
    },
    async finish() {
      await copy?.done;
      await file.close();
    },
    close: () => void file.close(),
  };
}

/**
 * A FIFO.
 *
 * @param fd - open for both directions; the sink's from now on.
 * @param late - whether its reader may come after the end, so that what is in it has to be held until then.
 */
export function fifoSink(fd: number, { late = true }: { readonly late?: boolean } = {}): OutputSink {
  // Through the descriptor, since the client may have removed or replaced the path by now.
  const tail = late ? new FifoTail(`/proc/self/fd/${fd}`) : undefined;
  const stream = new Socket({ fd, readable: false, writable: true });
  const { take, finish } = streamSink(stream);
  let ending = false;
  return {
    take,
    get fd() {
      return ending || stream.destroyed ? undefined : fd;
    },
    async finish() {
      ending = true;
      await finish();
      tail?.finish();
      stream.destroy();
    },
    close() {
      stream.destroy();
      tail?.close();
    },
  };
}

function streamSink(stream: Writable): Pick<OutputSink, 'take' | 'finish'> {
  stream.on('error', () => {});
  return {
    take(output) {
      output.pipe(stream, { end: false });
      // With nowhere to go, output is dropped: a process must not hang on a file that can't be written.
      stream.once('error', () => void output.resume());
    },
    async finish() {
      const { promise, resolve } = Promise.withResolvers<void>();
      // Writes are done in order, so this one's end is the end of all; so is a failure.
      stream.write('', () => resolve());
      await promise;
    },
  };
}
