import { join } from 'node:path';
import { Workspace } from '../workspace.ts';
import { Peer } from './containerd.ts';
import { Game } from './game.ts';
import { GnuTar } from './gnu-tar.ts';
import { Outside } from './outside.ts';
import { planOf } from './plan.ts';
import type { Report } from './report.ts';
import { type Subject, unpackerSubject } from './subject.ts';

export interface PlayOptions {
  readonly archives: number;
  /** Of the first archive; each after it has the next one. */
  readonly seed: number;
  /** Every so manieth archive also goes to containerd; 0 for none. */
  readonly containerdEvery: number;
  /** Every so manieth is also unpacked while somebody swaps what is in the snapshot; 0 for none. */
  readonly swapEvery: number;
  readonly subject?: Subject;
  /** It ends with so many; more tell nothing new. Default 10. */
  readonly mostFindings?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (report: Report) => void;
}

/** /etc and /dev are looked at every so often. */
const HOST_EVERY = 100;

/** Unpacks random archives in all the ways there are, and compares what comes of it. */
export async function play(options: PlayOptions): Promise<Report> {
  const {
    archives,
    seed,
    containerdEvery,
    swapEvery,
    signal,
    subject = unpackerSubject,
    mostFindings = 10,
  } = options;
  await using at = await Workspace.open();
  const outside = await Outside.make(at.root);
  const gnuTar = GnuTar.prepare(join(at.root, 'tools'));
  await using peer = containerdEvery > 0 ? await Peer.start(join(at.root, 'containerd')) : undefined;
  const game = await Game.prepare({ at, outside, subject, gnuTar, peer });
  for (let i = 0; i < archives && signal?.aborted !== true; i++) {
    const plan = planOf(seed + i, outside.canary);
    const turn = (every: number) => every > 0 && i % every === 0;
    await game.round(plan, { withPeer: turn(containerdEvery), withSwapper: turn(swapEvery) });
    if (i % HOST_EVERY === HOST_EVERY - 1 || i === archives - 1) await game.lookAtHost(plan);
    options.onProgress?.(game.report);
    const { findings } = game.report;
    if (findings.length >= mostFindings || findings.some(({ kind }) => kind === 'escape')) break;
  }
  return game.report;
}
