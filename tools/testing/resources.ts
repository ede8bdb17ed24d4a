import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from './process.ts';

/** Resident memory of a process, in bytes; files that it has mapped count, the page cache does not. */
export async function residentBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Rss: +(\d+) kB$/m.exec(text)?.[1]) * 1024;
}

/** The most that a process holds while something runs. */
export async function peakResidentBytes(pid: number, work: () => Promise<void>): Promise<number> {
  let peak = await residentBytes(pid);
  let over = false;
  const sampling = (async () => {
    while (!over) {
      peak = Math.max(peak, await residentBytes(pid));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  try {
    await work();
  } finally {
    over = true;
    await sampling;
  }
  return peak;
}

/** In milliseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface LoopDelay {
  /** How much later than due a timer ran. */
  readonly late: Percentiles;
  /** How much of that the process itself was busy. The rest it waited for a processor. */
  readonly busy: Percentiles;
}

/** How late the event loop of a process is that was started in {@link env}. */
export class LoopDelayProbe {
  readonly #file: string;

  constructor(dir: string) {
    this.#file = join(dir, 'loop-delay.json');
  }

  get env(): Readonly<Record<string, string>> {
    const preload = join(import.meta.dirname, 'loop-delay.mjs');
    return { NODE_OPTIONS: `--import=${preload}`, LOOP_DELAY_FILE: this.#file };
  }

  /** Since it was last asked. */
  async read(pid: number): Promise<LoopDelay> {
    await rm(this.#file, { force: true });
    process.kill(pid, 'SIGUSR2');
    let told: LoopDelay | undefined;
    await until('the daemon to tell how late its event loop is', async () => {
      const text = await readFile(this.#file, 'utf8').catch(() => undefined);
      if (text !== undefined) told = JSON.parse(text) as LoopDelay;
      return told !== undefined;
    });
    return told as LoopDelay;
  }
}
