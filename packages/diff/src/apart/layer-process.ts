import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Fault } from '@stowage/core';
import type { LayerJob, LayerOutcome } from './messages.ts';

const isSource = import.meta.url.endsWith('.ts');
/** Beside this file also where all is bundled into one, so this file stays in the same folder. */
const ENTRY = isSource ? './diff-layer-main.ts' : './diff-layer-main.js';
const SOURCE_OPTIONS = ['--conditions=stowage-source', '--disable-warning=ExperimentalWarning'];

export interface LayerStreams {
  /** Of the child; closed by {@link runLayerProcess} where `work` leaves it open. */
  readonly stdin: Writable;
  readonly stdout: Readable;
}

/**
 * Does one job in a process of its own, which is gone when this settles, and its mounts with it.
 *
 * @param work - feeds the process, or takes what it makes. What it throws is thrown here.
 * @throws Fault as the process says, or `internal` if it ended without a word.
 */
export async function runLayerProcess(
  job: LayerJob,
  work: (streams: LayerStreams) => Promise<void>,
  signal: AbortSignal,
): Promise<Exclude<LayerOutcome, { status: 'failed' }>> {
  signal.throwIfAborted();
  const child = spawn(
    process.execPath,
    [
      ...(isSource ? SOURCE_OPTIONS : []),
      fileURLToPath(new URL(ENTRY, import.meta.url)),
      JSON.stringify(job),
    ],
    {
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      // Nothing of the host's environment is its business.
      env: { PATH: process.env.PATH ?? '/usr/bin:/bin', LANG: 'C.UTF-8' },
    },
  );
  const exited = exitOf(child);
  const [stdin, stdout, stderr, told] = child.stdio as unknown as [Writable, Readable, Readable, Readable];
  const kill = () => child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  try {
    const said = Promise.all([text(told), text(stderr)]);
    // It may end before it has read all: its own words tell why.
    const fed = work({ stdin, stdout }).then(
      () => undefined,
      (cause: unknown) => {
        if (!isBrokenPipe(cause)) kill();
        return { cause };
      },
    );
    const [outcome, complaint] = await said;
    const failure = await fed;
    const exit = await exited;
    signal.throwIfAborted();
    if (failure !== undefined && !isBrokenPipe(failure.cause)) throw failure.cause;
    if (outcome === '')
      throw new Fault('internal', `layer process: ended (${exit}) without a word: ${complaint.trim()}`);
    return succeeded(JSON.parse(outcome) as LayerOutcome);
  } finally {
    signal.removeEventListener('abort', kill);
    kill();
    await exited;
  }
}

function succeeded(outcome: LayerOutcome): Exclude<LayerOutcome, { status: 'failed' }> {
  if (outcome.status !== 'failed') return outcome;
  const { kind, message } = outcome;
  throw kind === undefined ? new Error(message) : new Fault(kind, message);
}

async function exitOf(child: ChildProcess): Promise<number | NodeJS.Signals | string> {
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return code ?? signal ?? 'unknown';
  } catch (e) {
    return (e as Error).message;
  }
}

function isBrokenPipe(e: unknown): boolean {
  return ['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED'].includes(
    (e as { code?: string }).code ?? '',
  );
}
