import { spawn } from 'node:child_process';
import { type CallOptions, Fault } from '@stowage/core';
import { findProgram } from './find-program.ts';

export type HelperAction = 'get' | 'store' | 'erase';

export interface HelperOutput {
  readonly code: number | null;
  /** At most 64 KiB. */
  readonly text: string;
}

export interface HelperOptions extends CallOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
}

const MAX_OUTPUT_BYTES = 64 * 1024;
/** It becomes part of a path. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
/** By which a program can be made to run other code than its own. */
const UNWANTED = /^(LD_|DYLD_|NODE_|npm_|PYTHON|PERL5|RUBY(OPT|LIB)|BASH_ENV$|ENV$|GCONV_PATH$|IFS$)/;

/**
 * Runs `docker-credential-<name> <action>`, found by `PATH`, with its input on stdin. Input and output are secrets: they
 * are in no message.
 *
 * @throws Fault `invalid_argument` for a name that is none; `not_found` if there is no such program; `unavailable` if it
 *   takes too long; `resource_exhausted` if it says too much; the signal's reason. In each case it is killed.
 * @see docker/docker-credential-helpers README.md, "Development"
 */
export async function runHelper(
  name: string,
  action: HelperAction,
  input: string,
  { env, timeoutMs, signal }: HelperOptions,
): Promise<HelperOutput> {
  const program = `docker-credential-${name}`;
  if (!NAME.test(name))
    throw new Fault('invalid_argument', `credential helper ${JSON.stringify(name)}: no such name`);
  const path = await findProgram(program, env);
  if (path === undefined) throw new Fault('not_found', `${program}: there is no such program in PATH`);
  signal?.throwIfAborted();
  const child = spawn(path, [action], { env: scrubbed(env), stdio: ['pipe', 'pipe', 'ignore'] });
  const { promise, resolve, reject } = Promise.withResolvers<HelperOutput>();
  const fail = (e: unknown) => {
    child.kill('SIGKILL');
    // What it started itself may hold the pipe; nobody waits for that.
    child.stdout.destroy();
    reject(e);
  };
  const timer = setTimeout(() => {
    fail(new Fault('unavailable', `${program} ${action}: it took more than ${timeoutMs} ms`));
  }, timeoutMs);
  const onAbort = () => fail(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const chunks: Buffer[] = [];
  let size = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size > MAX_OUTPUT_BYTES)
      fail(new Fault('resource_exhausted', `${program} ${action}: it says too much`));
  });
  // One that ends without reading its input is no failure of ours.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  child.on('error', (e) =>
    fail(new Fault('unavailable', `${program}: it could not be started`, { cause: e })),
  );
  child.on('close', (code) => resolve({ code, text: Buffer.concat(chunks).toString() }));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

function scrubbed(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [key, value] of Object.entries(env))
    if (value !== undefined && !UNWANTED.test(key)) kept[key] = value;
  return kept;
}
