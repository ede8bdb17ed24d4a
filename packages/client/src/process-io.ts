import { once } from 'node:events';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errnoOf } from '@stowage/core';
import type { Stdio } from '@stowage/runtime';
import { makeFifos, readFifo, writeFifo } from './fifo.ts';

/** Where a process reads from and writes to. What is left out is `/dev/null`. */
export interface IoOptions {
  /** Copied to the process; when it ends, so does the process's standard input. */
  readonly stdin?: Readable | undefined;
  /** Given a copy; not ended. `true`: to be read from the process handle's `stdout`. */
  readonly stdout?: Writable | true | undefined;
  readonly stderr?: Writable | true | undefined;
  /** Gives the process a terminal; then `stdout` is its one output. */
  readonly terminal?: boolean | undefined;
  /** Where FIFOs are made, on the daemon's machine. Default: the system's directory for temporary files. */
  readonly fifoDir?: string | undefined;
}

/** The client's ends of a process's standard streams. */
export class ProcessIo implements AsyncDisposable {
  /** What the daemon is told. */
  readonly stdio: Stdio;
  readonly stdout: Readable | undefined;
  readonly stderr: Readable | undefined;
  readonly #inputs: { source: Readable; sink: Writable } | undefined;
  readonly #outputs: Promise<unknown>;
  readonly #sources: readonly Readable[];
  readonly #remove: () => Promise<void>;
  readonly #gone = new AbortController();

  private constructor(parts: {
    stdio: Stdio;
    shown: { stdout?: Readable; stderr?: Readable };
    inputs: { source: Readable; sink: Writable } | undefined;
    outputs: Promise<unknown>;
    sources: readonly Readable[];
    remove: () => Promise<void>;
  }) {
    this.stdio = parts.stdio;
    this.stdout = parts.shown.stdout;
    this.stderr = parts.shown.stderr;
    this.#inputs = parts.inputs;
    this.#outputs = parts.outputs;
    this.#sources = parts.sources;
    this.#remove = parts.remove;
  }

  static async open(options: IoOptions = {}): Promise<ProcessIo> {
    const { terminal = false, stdin } = options;
    const wanted = { stdout: options.stdout, stderr: terminal ? undefined : options.stderr };
    const outputs = (['stdout', 'stderr'] as const).filter((name) => wanted[name] !== undefined);
    const names = [...(stdin ? ['stdin'] : []), ...outputs];
    const fifos = await makeFifos(names, options.fifoDir);
    const at = (name: string) => (names.includes(name) ? fifos.path(name) : '');
    const stdio = { stdin: at('stdin'), stdout: at('stdout'), stderr: at('stderr'), terminal };

    const shown: { stdout?: Readable; stderr?: Readable } = {};
    const sources: Readable[] = [];
    const ends: Promise<void>[] = [];
    for (const name of outputs) {
      const source = await readFifo(fifos.path(name));
      sources.push(source);
      const to = wanted[name];
      const sink = to === true || to === undefined ? new PassThrough() : to;
      if (to === true) shown[name] = sink as PassThrough;
      ends.push(copy(source, sink, to === true));
    }
    const inputs = stdin && { source: stdin, sink: await writeFifo(fifos.path('stdin')) };
    return new ProcessIo({
      stdio,
      shown,
      inputs,
      outputs: Promise.all(ends),
      sources,
      remove: async () => fifos[Symbol.asyncDispose](),
    });
  }

  /**
   * Starts copying standard input, once the process has its end of it. `closeIO` is called when the source ended and
   * everything was handed over.
   */
  feed(closeIO: () => Promise<void>): void {
    if (this.#inputs === undefined) return;
    const { source, sink } = this.#inputs;
    pipeline(source, sink, { signal: this.#gone.signal })
      .then(() => closeIO())
      .catch((e: unknown) => {
        // The process may be gone before its input is; nobody is left to care.
        if (!this.#gone.signal.aborted && errnoOf(e) !== 'EPIPE') source.destroy(e as Error);
      });
  }

  /** Settles when the process's outputs have ended and were copied whole. */
  async drained(): Promise<void> {
    await this.#outputs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#gone.abort();
    this.#inputs?.sink.destroy();
    for (const source of this.#sources) source.destroy();
    await this.#remove();
  }
}

/** Copies to the end with backpressure; ends the sink only if it is ours. */
async function copy(source: Readable, sink: Writable, endSink: boolean): Promise<void> {
  try {
    for await (const chunk of source) {
      if (!sink.write(chunk)) await once(sink, 'drain');
    }
  } catch (e) {
    if (errnoOf(e) !== 'ERR_STREAM_PREMATURE_CLOSE') throw e;
  } finally {
    if (endSink) sink.end();
  }
}
