import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { openFifo } from '@stowage/linux';
import { FifoTail } from './fifo-tail.ts';
import type { StreamTarget } from './stream-target.ts';

/** Where a terminal's output goes. */
export interface OutputSink {
  take(output: Readable): void;
  /** There is no more output. Settles when all of it was written; a FIFO ends for its reader once it was read. */
  finish(): Promise<void>;
  close(): void;
}

export async function openSink(target: StreamTarget): Promise<OutputSink> {
  switch (target.kind) {
    case 'none':
      return { take: (output) => void output.resume(), finish: async () => {}, close() {} };
    case 'fifo':
      return fifoSink(target.path);
    case 'file': {
      const file = await open(target.path, 'a', 0o640);
      const stream = createWriteStream('', { fd: file });
      return { ...streamSink(stream), close: () => void stream.destroy() };
    }
  }
}

/** Open for both directions: a writer alone would be refused while nobody reads. */
function fifoSink(path: string): OutputSink {
  const tail = new FifoTail(path);
  const stream = new Socket({
    fd: openFifo(path, 'both', { nonblocking: true }),
    readable: false,
    writable: true,
  });
  const { take, finish } = streamSink(stream);
  return {
    take,
    async finish() {
      await finish();
      tail.finish();
      stream.destroy();
    },
    close() {
      stream.destroy();
      tail.close();
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
