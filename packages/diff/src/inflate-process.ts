import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errnoOf, Fault } from '@stowage/core';

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** Programs that inflate gzip several times faster than zlib, the fastest first; both take `-d -c`. */
const PROGRAMS = ['igzip', 'unpigz'];

/** How much of what a program complains about is worth repeating. */
const MOST_COMPLAINT_BYTES = 1024;

/**
 * The path of a program that inflates gzip from stdin to stdout, or undefined if none is installed. To be asked once,
 * before anything is unpacked: a path that is looked up later may be one out of a layer.
 */
export async function findGunzip(path: string = process.env.PATH ?? ''): Promise<string | undefined> {
  const directories = path.split(delimiter).filter(isAbsolute);
  for (const program of PROGRAMS) {
    for (const directory of directories) {
      const file = join(directory, program);
      try {
        await access(file, constants.X_OK);
        return file;
      } catch {
        // Not here; absence is the usual case.
      }
    }
  }
  return undefined;
}

/**
 * Inflates gzip by a program, which gets nothing of this process's environment and is killed when the signal fires or
 * nobody wants the rest.
 *
 * @throws Fault `invalid_argument` if the program says that the bytes are damaged.
 */
export async function* gunzippedBy(
  program: string,
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  const child = spawn(program, ['-d', '-c'], { env: {}, cwd: '/', stdio: ['pipe', 'pipe', 'pipe'] });
  const kill = () => child.kill('SIGKILL');
  const exit = exitOf(child);
  const complaint = headOf(child.stderr);
  // A program that ends early breaks the pipe; how it ended tells whether that is a failure.
  const fed = pipeline(source, child.stdin).catch((e: unknown) => {
    if (errnoOf(e) === 'EPIPE' || errnoOf(e) === 'ERR_STREAM_PREMATURE_CLOSE') return undefined;
    kill();
    return { failure: e };
  });
  signal.addEventListener('abort', kill, { once: true });
  try {
    for await (const chunk of child.stdout) yield chunk as Uint8Array;
    const ended = await exit;
    signal.throwIfAborted();
    const broken = await fed;
    if (broken !== undefined) throw broken.failure;
    if (ended === 0) return;
    const said = (await complaint).trim() || `ended with ${ended}`;
    throw new Fault('invalid_argument', `inflate gzip: ${program}: ${said}`);
  } finally {
    signal.removeEventListener('abort', kill);
    kill();
    await exit.catch(() => {});
  }
}

function exitOf(child: Child): Promise<number | NodeJS.Signals> {
  const { promise, resolve, reject } = Promise.withResolvers<number | NodeJS.Signals>();
  child.once('error', (e) => reject(new Fault('internal', `inflate gzip: ${e.message}`, { cause: e })));
  child.once('close', (code, signal) => resolve(code ?? signal ?? 'SIGKILL'));
  promise.catch(() => {});
  return promise;
}

async function headOf(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream) if (text.length < MOST_COMPLAINT_BYTES) text += String(chunk);
  return text.slice(0, MOST_COMPLAINT_BYTES);
}
