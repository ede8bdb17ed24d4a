import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect } from '@stowage/client';
import { Daemon, residentBytes } from '@stowage/testing';
import { type Done, work } from './work.ts';

export interface Subject {
  readonly dir: string;
  readonly namespace: string;
  readonly images: readonly string[];
  readonly lanes: number;
  readonly signal: AbortSignal;
  /** Told of the memory of each process, by its name. */
  readonly sample: (process: string, bytes: number) => void;
}

const SAMPLE_MS = 5000;

/** Works with a daemon until the signal fires. @throws what went wrong. */
export async function soakDaemon(subject: Subject): Promise<Done> {
  const { dir, namespace, images, lanes, sample } = subject;
  const done: Done = { pulls: 0, runs: 0, execs: 0, removals: 0 };
  await using daemon = await Daemon.start({ dir, quiet: true });
  const stop = new AbortController();
  const signal = AbortSignal.any([subject.signal, stop.signal]);
  const timer = setInterval(async () => {
    sample('daemon', await residentBytes(daemon.pid));
    for (const pid of await daemon.supervisors()) sample('supervisor', await residentBytes(pid));
  }, SAMPLE_MS);
  try {
    await using client = connect(daemon.address, { namespace });
    const all = Array.from({ length: lanes }, (_, lane) =>
      work({ client, images, signal }, lane, done).finally(() => stop.abort()),
    );
    await Promise.all(all);
    for await (const { name } of client.services.images.list()) await client.services.images.delete(name);
  } finally {
    clearInterval(timer);
  }
  return done;
}

/** Works with an engine in a process of its own. */
export async function soakEngine(subject: Subject): Promise<Done> {
  const { dir, namespace, images, lanes, signal, sample } = subject;
  const options = ['--conditions=stowage-source', '--disable-warning=ExperimentalWarning'];
  const main = join(import.meta.dirname, 'engine-main.ts');
  const args = [...options, main, join(dir, 'engine'), String(lanes), ...images];
  const env = { ...process.env, CONTAINERD_NAMESPACE: namespace };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
  let last: { bytes: number; done: Done } | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    last = JSON.parse(line) as { bytes: number; done: Done };
    sample('engine', last.bytes);
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  if (child.exitCode !== 0)
    throw new Error(`the engine's process ended with ${child.exitCode ?? child.signalCode}`);
  if (last === undefined) throw new Error('the engine said nothing');
  return last.done;
}
