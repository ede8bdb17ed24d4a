import { cpuMsOf, median, type Row, timed } from './figures.ts';
import type { Peer } from './peers.ts';

export interface Comparison {
  readonly what: string;
  readonly peers: readonly [Peer, Peer];
  readonly rounds: number;
  /** Most that the ratio should be. */
  readonly aim?: number | undefined;
  readonly before?: (peer: Peer, round: number) => Promise<unknown>;
  /** What is measured. The round before the first, which does not count, is -1. */
  readonly work: (peer: Peer, round: number) => Promise<unknown>;
  readonly after?: (peer: Peer, round: number) => Promise<unknown>;
  /** Also tell the processor time of the daemons, of all their threads. */
  readonly cpu?: boolean;
}

/** Has both do the same, in turns, one of them first in every other round. @returns medians. */
export async function compare(comparison: Comparison): Promise<Row[]> {
  const { what, peers, rounds, aim, before, work, after, cpu = false } = comparison;
  const wall = { stowage: [] as number[], containerd: [] as number[] };
  const processor = { stowage: [] as number[], containerd: [] as number[] };
  for (let round = -1; round < rounds; round++) {
    for (const peer of round % 2 === 0 ? peers : peers.toReversed()) {
      await before?.(peer, round);
      const busy = await cpuMsOf(peer.pids());
      const ms = await timed(() => work(peer, round));
      const busyMs = (await cpuMsOf(peer.pids())) - busy;
      await after?.(peer, round);
      if (round < 0) continue;
      wall[peer.name].push(ms);
      processor[peer.name].push(busyMs);
    }
  }
  tell(what, wall);
  const rows: Row[] = [row(what, wall, aim)];
  if (cpu) {
    tell(`${what}, processor time`, processor);
    rows.push(row('    processor time of the daemon', processor, undefined));
  }
  return rows;
}

function tell(what: string, figures: Readonly<Record<Peer['name'], readonly number[]>>): void {
  for (const [name, list] of Object.entries(figures))
    console.error(`${what}, ${name}: ${list.map((n) => n.toFixed(0)).join(' ')}`);
}

function row(
  what: string,
  { stowage, containerd }: Readonly<Record<Peer['name'], readonly number[]>>,
  aim: number | undefined,
): Row {
  return { what, unit: 'ms', stowage: median(stowage), containerd: median(containerd), aim };
}
