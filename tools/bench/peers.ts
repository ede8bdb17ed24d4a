import { join } from 'node:path';
import { Daemon, mustCtr, startContainerd } from '@stowage/testing';

/** One of the two that are measured: the same client drives both. */
export interface Peer extends AsyncDisposable {
  readonly name: 'stowage' | 'containerd';
  readonly address: string;
  /** Pids of the daemon itself. */
  pids(): number[];
  /** Pids of what serves its containers: the supervisor, or the shims. */
  helpers(): Promise<number[]>;
  ctr(...args: string[]): Promise<string>;
}

export async function startStowage(dir: string): Promise<Peer> {
  const daemon = await Daemon.start({ dir: join(dir, 'stowage'), quiet: true });
  return {
    name: 'stowage',
    address: daemon.address,
    pids: () => [daemon.pid],
    helpers: () => daemon.supervisors(),
    ctr: (...args) => mustCtr(daemon.address, args, { timeoutMs: 300_000 }),
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

export async function startPeer(dir: string): Promise<Peer> {
  const containerd = await startContainerd(join(dir, 'containerd'));
  return {
    name: 'containerd',
    address: containerd.address,
    pids: () => [containerd.pid],
    helpers: () => shimsOf(containerd.address),
    ctr: (...args) => mustCtr(containerd.address, args, { timeoutMs: 300_000 }),
    [Symbol.asyncDispose]: () => containerd[Symbol.asyncDispose](),
  };
}

/** Both daemons, on files below `dir`. */
export async function startBoth(
  dir: string,
): Promise<AsyncDisposable & { readonly peers: readonly [Peer, Peer] }> {
  await using stack = new AsyncDisposableStack();
  const peers = [stack.use(await startStowage(dir)), stack.use(await startPeer(dir))] as const;
  const owned = stack.move();
  return { peers, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function shimsOf(address: string): Promise<number[]> {
  const { readdir, readFile } = await import('node:fs/promises');
  const pids: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (command.includes('containerd-shim') && command.includes(address)) pids.push(Number(name));
  }
  return pids;
}
