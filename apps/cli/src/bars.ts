import type { Progress } from '@stowage/client';
import { rateOf } from './rate.ts';
import type { Screen } from './screen.ts';
import { formatSize } from './table.ts';

type Stage = Progress['stage'];

/** What is known of one blob: the step that it is in, or was in last. */
interface Blob {
  readonly name: string;
  readonly bytesTotal: bigint;
  readonly stage: Stage;
  readonly state: Progress['state'];
  readonly bytesDone: bigint;
}

const WIDEST_BAR = 30;

/** Below this there is no room for a bar. */
const NARROWEST_BAR = 4;

const PHASE: Readonly<Record<Stage, string>> = {
  fetch: 'fetching',
  unpack: 'unpacking',
  push: 'pushing',
  convert: 'converting',
};
const ENDED = { done: 'done', exists: 'there already', mounted: 'taken over' } as const;

/** The progress of several blobs, as lines for a terminal: a bar for each, and one for all. */
export class Bars {
  readonly #blobs = new Map<string, Blob>();
  readonly #rates = new Map<string, (bytes: bigint, atMs: number) => number>();

  update({ stage, state, descriptor: { digest, size }, bytes }: Progress): void {
    const name = digest.replace(/^\w+:/, '').slice(0, 12);
    this.#blobs.set(digest, { name, bytesTotal: size, stage, state, bytesDone: bytes });
  }

  /**
   * @param rows - of the terminal. Where not all bars fit, the finished ones are told by their number, and so are those
   *   that wait behind others.
   * @param atMs - a clock that never goes back.
   */
  lines({ columns = 80, paint }: Screen, rows: number, atMs: number): string[] {
    const all = [...this.#blobs];
    const room = Math.max(1, rows - 2);
    const shown =
      all.length < room ? all : all.filter(([, { state }]) => state === 'running').slice(0, room - 1);
    const bars = shown.map(([digest, blob]) => {
      const { name, stage, state, bytesDone, bytesTotal } = blob;
      if (state !== 'running') return `${name} ${paint('dim', ENDED[state])} ${formatSize(bytesTotal)}`;
      const rate = this.#rate(digest + stage, bytesDone, atMs);
      return barLine(`${name} ${PHASE[stage].padEnd(10)}`, bytesDone, bytesTotal, rate, columns);
    });
    return all.length < 2 ? bars : [...bars, this.#sum(columns, atMs)];
  }

  #sum(columns: number, atMs: number): string {
    const all = [...this.#blobs.values()];
    const ended = all.filter(({ state }) => state !== 'running');
    let [done, total] = [0n, 0n];
    for (const { state, bytesDone, bytesTotal } of all) {
      done += state === 'running' ? bytesDone : bytesTotal;
      total += bytesTotal;
    }
    const count = `${ended.length}/${all.length} done`.padEnd(23);
    // What was there already was not moved: the rate is of what is.
    const moved = all.reduce((sum, { bytesDone }) => sum + bytesDone, 0n);
    return barLine(count, done, total, this.#rate('', moved, atMs), columns);
  }

  #rate(key: string, bytes: bigint, atMs: number): number {
    const rate = this.#rates.get(key) ?? rateOf();
    this.#rates.set(key, rate);
    return rate(bytes, atMs);
  }
}

/** A line with as long a bar as there is room for, how much it is, and how fast it goes. */
export function barLine(what: string, done: bigint, total: bigint, rate: number, columns: number): string {
  const share = total === 0n ? 1 : Math.min(1, Number(done) / Number(total));
  const percent = `${Math.floor(share * 100)}%`.padStart(4);
  const speed = rate > 0 ? `  ${formatSize(BigInt(Math.round(rate)))}/s` : '';
  const numbers = `${percent}  ${formatSize(done)} of ${formatSize(total)}`;
  const width = Math.min(WIDEST_BAR, columns - what.length - numbers.length - 20);
  if (width < NARROWEST_BAR) return `${what}${numbers}${speed}`;
  const full = Math.round(share * width);
  return `${what} [${'='.repeat(full)}${' '.repeat(width - full)}]${numbers}${speed}`;
}
