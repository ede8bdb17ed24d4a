import { readFile } from 'node:fs/promises';

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

/** The value that a share (0 to 1) of the values does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Milliseconds that something takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Memory that processes hold, shared pages parted among those that share them, in MiB. */
export async function pssOf(pids: readonly number[]): Promise<number> {
  let kib = 0;
  for (const pid of pids) {
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
    kib += Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0);
  }
  return kib / 1024;
}

/** Resident memory of processes, in MiB. */
export async function rssOf(pids: readonly number[]): Promise<number> {
  let kib = 0;
  for (const pid of pids) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    kib += Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  }
  return kib / 1024;
}

/** Linux counts processor time for user space in hundredths of a second, whatever its own clock (USER_HZ). */
const MS_PER_TICK = 10;

/** Processor time that processes have used, in user and kernel mode, all threads together, in ms. */
export async function cpuMsOf(pids: readonly number[]): Promise<number> {
  let ticks = 0;
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // After the name, which may hold anything, in parentheses: utime and stime are fields 14 and 15 of all.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks * MS_PER_TICK;
}

export interface Row {
  readonly what: string;
  readonly unit: string;
  readonly stowage: number;
  readonly containerd: number;
  /** Most that the ratio should be. */
  readonly aim?: number | undefined;
  /** Most that Stowage's own figure should be, whatever containerd's. */
  readonly atMost?: number | undefined;
}

export function printRows(rows: readonly Row[]): void {
  const digits = (n: number) => n.toFixed(n < 100 ? 1 : 0);
  const cells = rows.map(({ what, unit, stowage, containerd, aim, atMost }) => [
    what,
    `${digits(stowage)} ${unit}`,
    `${digits(containerd)} ${unit}`,
    (stowage / containerd).toFixed(2),
    aim !== undefined
      ? `${aim.toFixed(2)} ${stowage / containerd <= aim ? 'met' : 'missed'}`
      : atMost !== undefined
        ? `${digits(atMost)} ${unit} ${stowage <= atMost ? 'met' : 'missed'}`
        : '',
  ]);
  const all = [['what', 'stowage', 'containerd', 'ratio', 'aim'], ...cells];
  const widths = all[0]?.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0))) ?? [];
  for (const row of all) console.log(row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  '));
}
