import { createHistogram } from 'node:perf_hooks';

/** What work did to this process while it was under way. */
export interface Watched<T> {
  readonly result: PromiseSettledResult<T>;
  /** The most memory beyond what was in use at first, threads included. */
  readonly grownBytes: number;
  /** How late the main thread's event loop was, 99 of 100 times: all in all, and of that by its own doing. */
  readonly lateMs: number;
  readonly busyMs: number;
  readonly seconds: number;
}

const INTERVAL_MS = 5;

/** Runs work while a timer looks at memory, and at how late it is itself. */
export async function watch<T>(work: () => Promise<T>): Promise<Watched<T>> {
  const late = createHistogram();
  const busy = createHistogram();
  const before = process.memoryUsage.rss();
  const began = performance.now();
  let most = before;
  let [lastTime, lastCpu] = [began, cpuMs()];
  const timer = setInterval(() => {
    const [time, used] = [performance.now(), cpuMs()];
    const lateness = Math.max(0, time - lastTime - INTERVAL_MS);
    late.record(1 + Math.round(lateness * 1000));
    busy.record(1 + Math.round(Math.min(lateness, used - lastCpu) * 1000));
    [lastTime, lastCpu] = [time, used];
    most = Math.max(most, process.memoryUsage.rss());
  }, INTERVAL_MS);
  const [result] = await Promise.allSettled([work()]);
  clearInterval(timer);
  return {
    result,
    grownBytes: most - before,
    lateMs: late.percentile(99) / 1000,
    busyMs: busy.percentile(99) / 1000,
    seconds: (performance.now() - began) / 1000,
  };
}

/** Of the main thread alone, where there may be others that want its processor. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
