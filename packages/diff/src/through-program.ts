import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errnoOf, Fault } from '@stowage/core';

/** How much of what a program complains about is worth repeating. */
const MOST_COMPLAINT_BYTES = 1024;

export interface Program {
  /** Absolute. */
  readonly path: string;
  readonly args: readonly string[];
  /** All of its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** What it can read from descriptor 3. Without, that is closed. */
  readonly payload?: Uint8Array | undefined;
  /** For messages: what it does. */
  readonly purpose: string;
}

/**
 * Pipes bytes through a program, which gets nothing of this process's environment and is killed when the signal fires or
 * nobody wants the rest.
 *
 * @throws Fault `invalid_argument` if the program fails, with what it wrote to stderr; `internal` if it cannot be started.
 */
export async function* throughProgram(
  program: Program,
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  const { path, args, env, payload, purpose } = program;
  const child = spawn(path, args, {
    env,
    cwd: '/',
    stdio: ['pipe', 'pipe', 'pipe', ...(payload === undefined ? [] : ['pipe' as const])],
  });
  const [stdin, stdout, stderr, extra] = child.stdio as unknown as [Writable, Readable, Readable, Writable?];
  const kill = () => child.kill('SIGKILL');
  const exit = exitOf(child, purpose);
  const complaint = headOf(stderr);
  // A program that ends early breaks the pipe; how it ended tells whether that is a failure.
  const fed = pipeline(source, stdin).catch((e: unknown) => {
    if (isBrokenPipe(e)) return undefined;
    kill();
    return { failure: e };
  });
  const told = extra === undefined ? undefined : pipeline([payload], extra);
  told?.catch(() => {});
  signal.addEventListener('abort', kill, { once: true });
  try {
    for await (const chunk of stdout) yield chunk as Uint8Array;
    const ended = await exit;
    signal.throwIfAborted();
    const broken = await fed;
    if (broken !== undefined) throw broken.failure;
    if (ended === 0) return;
    const said = (await complaint).trim() || `ended with ${ended}`;
    throw new Fault('invalid_argument', `${purpose}: ${path}: ${said}`);
  } finally {
    signal.removeEventListener('abort', kill);
    kill();
    await exit.catch(() => {});
  }
}

/** A program need not read to the end of what it gets. */
function isBrokenPipe(e: unknown): boolean {
  const code = errnoOf(e);
  return code === 'EPIPE' || code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE';
}

function exitOf(child: ChildProcess, purpose: string): Promise<number | NodeJS.Signals> {
  const { promise, resolve, reject } = Promise.withResolvers<number | NodeJS.Signals>();
  child.once('error', (e) => reject(new Fault('internal', `${purpose}: ${e.message}`, { cause: e })));
  child.once('close', (code, signal) => resolve(code ?? signal ?? 'SIGKILL'));
  promise.catch(() => {});
  return promise;
}

async function headOf(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream) if (text.length < MOST_COMPLAINT_BYTES) text += String(chunk);
  return text.slice(0, MOST_COMPLAINT_BYTES);
}
