import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

/** What a program of a fake container sees of itself. */
export interface FakeProcessContext {
  /** The first is its name. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Ends when the client closes it. */
  readonly stdin: Readable;
  readonly stdout: Writable;
  /** The same as stdout with a terminal. */
  readonly stderr: Writable;
  /** Fires when it is killed. */
  readonly signal: AbortSignal;
  /** In characters; undefined without a terminal. */
  readonly terminalSize: { readonly width: number; readonly height: number } | undefined;
  /** Hears a signal, which then does not end it. Nobody hears SIGKILL. */
  on(signal: NodeJS.Signals, listener: () => void): void;
}

/**
 * A program of fake containers, in JavaScript.
 *
 * @returns its exit code; none is 0. One that throws exits with 1, and says why on its standard error.
 */
export type FakeProgram = (process: FakeProcessContext) => number | undefined | Promise<number | undefined>;

/** Programs by name, or by path. */
export type FakePrograms = Readonly<Record<string, FakeProgram>>;

/** What most tests want to run. */
export const standardPrograms: FakePrograms = {
  true: () => 0,
  false: () => 1,
  echo({ args, stdout }) {
    stdout.write(`${args.slice(1).join(' ')}\n`);
    return 0;
  },
  async cat({ stdin, stdout }) {
    for await (const chunk of stdin) if (!stdout.write(chunk)) await once(stdout, 'drain');
    return 0;
  },
  async sleep({ args, signal }) {
    await delay(Number(args[1] ?? 0) * 1000, undefined, { signal });
    return 0;
  },
};
