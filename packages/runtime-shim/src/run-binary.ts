import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Fault, quote } from '@stowage/core';
import { endSession } from './session.ts';

/** More than any shim has to say. */
const MOST_BYTES = 64 * 1024;
/** How long output is waited for after the exit: a shim that stays may hold the pipes open. */
const DRAIN_MS = 500;

export interface BinaryCall {
  readonly binary: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Its standard input. */
  readonly input?: Uint8Array | undefined;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface BinaryOutput {
  /** How it ended: its status, or the signal. */
  readonly ended: number | NodeJS.Signals;
  /** Of it and of what it left running, unless that took one of its own. */
  readonly session: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/**
 * Runs a shim's binary to its end, in a session of its own: what it leaves running is not ended with this process.
 *
 * @throws Fault `unavailable` if it can't be run, `deadline_exceeded` if it takes too long, `resource_exhausted` if it
 *   prints without end; the signal's reason. It is killed then, and what it left running.
 */
export async function runBinary(call: BinaryCall): Promise<BinaryOutput> {
  const { binary, args, cwd, env, input, timeoutMs, signal } = call;
  signal?.throwIfAborted();
  const child = spawn(binary, args, { cwd, env, stdio: 'pipe', detached: true });
  const outputs = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const { promise: failed, reject } = Promise.withResolvers<never>();
  const what = `${binary} ${args.at(-1)}`;
  let bytes = 0;
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MOST_BYTES) outputs[name].push(chunk);
      else reject(new Fault('resource_exhausted', `${what}: it printed more than ${MOST_BYTES} bytes`));
    });
    child[name].on('error', reject);
  }
  // One that reads nothing may be gone before all is written.
  child.stdin.on('error', () => {});
  child.stdin.end(input ?? '');
  const timer = setTimeout(
    () => reject(new Fault('deadline_exceeded', `${what}: it did not end within ${timeoutMs} ms${said()}`)),
    timeoutMs,
  );
  const giveUp = () => reject(signal?.reason);
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    const closed = once(child, 'close').catch(notRun);
    const exited = once(child, 'exit').catch(notRun);
    closed.catch(() => {});
    const [code, killedBy] = await Promise.race([failed, exited]);
    const drained = new AbortController();
    await Promise.race([closed, failed, delay(DRAIN_MS, undefined, { signal: drained.signal })]);
    drained.abort();
    const [stdout, stderr] = [Buffer.concat(outputs.stdout), Buffer.concat(outputs.stderr)];
    return { ended: code ?? killedBy, session: child.pid ?? 0, stdout, stderr };
  } catch (e) {
    child.kill('SIGKILL');
    if (child.pid !== undefined) await endSession(child.pid);
    throw e;
  } finally {
    failed.catch(() => {});
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  }

  function said(): string {
    const text = printed({ stdout: Buffer.concat(outputs.stdout), stderr: Buffer.concat(outputs.stderr) });
    return text === '' ? '' : `; it printed ${text}`;
  }

  function notRun(e: unknown): never {
    throw new Fault('unavailable', `run ${binary} in ${cwd}: ${(e as Error).message}`, { cause: e });
  }
}

/** All that was printed, fit for a message; empty if nothing was. */
export function printed({ stdout, stderr }: Pick<BinaryOutput, 'stdout' | 'stderr'>): string {
  return [stdout, stderr]
    .map((bytes) => bytes.toString('utf8').trim())
    .filter((text) => text !== '')
    .map((text) => quote(text))
    .join(' and ');
}
