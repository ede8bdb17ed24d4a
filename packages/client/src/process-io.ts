import { stat } from 'node:fs/promises';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { unlessAbsent } from '@stowage/core';
import type { Stdio } from '@stowage/runtime';
import { makeFifos, readFifo, writeFifo } from './fifo.ts';
import { InputCopy } from './input-copy.ts';
import { OutputCopy } from './output-copy.ts';
import { readableOf, type Sink, type Source, writableOf } from './web-streams.ts';

/** Where a process reads from and writes to. What is left out is `/dev/null`. */
export interface IoOptions {
  /**
   * Copied to the process; when it ends, so does the process's standard input. Not destroyed. `true`: to be written to the
   * process handle's `stdin`. `open`: nothing comes yet.
   */
  readonly stdin?: Source | true | 'open' | undefined;
  /**
   * Given a copy; not ended. `true`: to be read from the process handle's `stdout`. A URL is where the runtime itself takes
   * it: `file:` to a log, `binary:` to a program.
   */
  readonly stdout?: Sink | URL | true | undefined;
  readonly stderr?: Sink | URL | true | undefined;
  /** Gives the process a terminal; then `stdout` is its one output. */
  readonly terminal?: boolean | undefined;
  /** Where FIFOs are made, on the daemon's machine. Default: the system's directory for temporary files. */
  readonly fifoDir?: string | undefined;
}

/** How long the last output of an exited process may take: something that it left running may hold it open. */
const FLUSH_MS = 2000;

/** The client's ends of a process's standard streams. */
export class ProcessIo implements AsyncDisposable {
  /** What the daemon is told. */
  readonly stdio: Stdio;
  readonly #outputs: ReadonlyMap<string, OutputCopy>;
  readonly #input: InputCopy | undefined;
  /** Where it can be written to, if that was asked for. */
  readonly stdin: Writable | undefined;
  #remove: () => PromiseLike<void>;
  readonly #failed = Promise.withResolvers<never>();

  private constructor(
    stdio: Stdio,
    outputs: ReadonlyMap<string, OutputCopy>,
    { stdin, input }: Input,
    remove: () => PromiseLike<void>,
  ) {
    this.stdio = stdio;
    this.stdin = stdin;
    this.#outputs = outputs;
    this.#input = input;
    this.#remove = remove;
    this.#failed.promise.catch(() => undefined);
    for (const output of outputs.values()) output.done.catch(this.#failed.reject);
  }

  static async open(options: IoOptions = {}): Promise<ProcessIo> {
    const { terminal = false, stdin, stdout, stderr } = options;
    const wanted = { stdout, stderr: terminal ? undefined : stderr };
    const sinks = sinksOf(wanted);
    const names = [...(stdin ? ['stdin'] : []), ...sinks.map(([name]) => name)];
    const fifos = await makeFifos(names, options.fifoDir);
    const outputs = new Map<string, OutputCopy>();
    try {
      for (const [name, to] of sinks) outputs.set(name, outputTo(await readFifo(fifos.path(name)), to));
      const input = await inputTo(names.includes('stdin') ? fifos.path('stdin') : undefined, stdin);
      const at = (name: string, to?: unknown) =>
        names.includes(name) ? fifos.path(name) : isUrl(to) ? to.href : '';
      const from = at('stdin');
      const [out, err] = [at('stdout', wanted.stdout), at('stderr', wanted.stderr)];
      // The shim of containerd before 1.7 wants to hear of both outputs if it hears of any stream.
      const isPlain = !terminal && from + out + err !== '';
      const orNull = (uri: string) => (uri === '' && isPlain ? '/dev/null' : uri);
      const stdio = { stdin: from, stdout: orNull(out), stderr: orNull(err), terminal };
      return new ProcessIo(stdio, outputs, input, () => fifos[Symbol.asyncDispose]());
    } catch (e) {
      for (const output of outputs.values()) output.stop();
      await fifos[Symbol.asyncDispose]();
      throw e;
    }
  }

  /**
   * Takes over the streams of a process that somebody left, at the FIFOs that it was given; what is none is passed over.
   * What comes out goes to one reader, whoever is first.
   */
  static async join(stdio: Stdio, { stdin, stdout, stderr }: IoOptions = {}): Promise<ProcessIo> {
    const outputs = new Map<string, OutputCopy>();
    try {
      for (const [name, to] of sinksOf({ stdout, stderr })) {
        const path = await fifoAt(stdio[name]);
        if (path !== undefined) outputs.set(name, outputTo(await readFifo(path), to));
      }
      const input = await inputTo(await fifoAt(stdio.stdin), stdin);
      return new ProcessIo(stdio, outputs, input, async () => {});
    } catch (e) {
      for (const output of outputs.values()) output.stop();
      throw e;
    }
  }

  get stdout(): Readable | undefined {
    return this.#outputs.get('stdout')?.shown;
  }

  get stderr(): Readable | undefined {
    return this.#outputs.get('stderr')?.shown;
  }

  /**
   * Starts copying what the process prints, once it was started. What came before is of the runtime that failed to start
   * it, and in the error.
   */
  listen(): void {
    for (const output of this.#outputs.values()) output.start();
  }

  /**
   * Starts copying standard input, once the process runs. `closeIO` is called when the source ended and everything was
   * handed over.
   */
  feed(closeIO: () => Promise<void>): void {
    this.#input
      ?.run()
      .then((how) => (how === 'ended' ? closeIO() : undefined))
      .catch(this.#failed.reject);
  }

  /**
   * Settles when the process's outputs have ended and were copied whole.
   *
   * @throws at once what one of the caller's streams failed with.
   */
  async drained(): Promise<void> {
    await Promise.race([this.failed(), Promise.all([...this.#outputs.values()].map(({ done }) => done))]);
  }

  /** Never settles but by what one of the caller's streams failed with. */
  failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** The process has exited: hands over what it printed last, even if nobody takes it now. */
  async flush(): Promise<void> {
    for (const output of this.#outputs.values()) output.hurry();
    const late = new AbortController();
    const done = Promise.allSettled([...this.#outputs.values()].map((output) => output.done));
    await Promise.race([done, delay(FLUSH_MS, undefined, { signal: late.signal }).catch(() => undefined)]);
    late.abort();
  }

  /** Leaves the FIFOs where they are when this is disposed, for others to {@link join}. */
  leave(): void {
    this.#remove = async () => {};
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#input?.stop();
    for (const output of this.#outputs.values()) output.stop();
    await this.#remove();
  }
}

type Sinks = Pick<IoOptions, 'stdout' | 'stderr'>;

interface Input {
  readonly stdin: Writable | undefined;
  readonly input: InputCopy | undefined;
}

async function inputTo(path: string | undefined, stdin: IoOptions['stdin']): Promise<Input> {
  if (path === undefined || stdin === undefined || stdin === 'open')
    return { stdin: undefined, input: undefined };
  const shown = stdin === true ? new PassThrough() : undefined;
  const source = shown ?? readableOf(stdin as Source);
  // One of our own making goes with the copy; others are their owners'.
  return { stdin: shown, input: new InputCopy(source, await writeFifo(path), source !== stdin) };
}

function outputTo(source: Readable, to: Sink | true): OutputCopy {
  if (to === true) return new OutputCopy(source, true);
  const sink = writableOf(to);
  return new OutputCopy(source, sink, sink !== to);
}

function sinksOf({ stdout, stderr }: Sinks): Array<['stdout' | 'stderr', Sink | true]> {
  return Object.entries({ stdout, stderr }).flatMap(([name, to]) =>
    to === undefined || isUrl(to) ? [] : [[name as 'stdout' | 'stderr', to]],
  );
}

/** Structural, because `instanceof` breaks across realms. */
function isUrl(to: unknown): to is URL {
  return typeof (to as Partial<URL> | undefined)?.href === 'string';
}

async function fifoAt(uri: string): Promise<string | undefined> {
  const path = uri.startsWith('fifo://') ? decodeURIComponent(new URL(uri).pathname) : uri;
  if (!path.startsWith('/')) return undefined;
  return (await unlessAbsent(stat(path)))?.isFIFO() ? path : undefined;
}
