// Preloaded into a daemon (`node --import`): keeps count of how late its event loop is, and how much of that it was
// busy itself, where the rest it waited for a processor that others had. At each SIGUSR2 it writes that to the file
// that LOOP_DELAY_FILE names, in milliseconds, and begins anew.
import { rename, writeFile } from 'node:fs/promises';
import { createHistogram } from 'node:perf_hooks';

const INTERVAL_MS = 5;
const { LOOP_DELAY_FILE: file } = process.env;
const late = createHistogram();
const busy = createHistogram();

/** In nanoseconds; of the main thread alone. */
const cpu = () => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) * 1000;
};

let [lastTime, lastCpu] = [Number(process.hrtime.bigint()), cpu()];
setInterval(() => {
  const [time, used] = [Number(process.hrtime.bigint()), cpu()];
  const lateness = Math.max(1, time - lastTime - INTERVAL_MS * 1e6);
  late.record(Math.round(lateness));
  busy.record(Math.round(Math.max(1, Math.min(lateness, used - lastCpu))));
  [lastTime, lastCpu] = [time, used];
}, INTERVAL_MS).unref();

process.on('SIGUSR2', async () => {
  const percentiles = (histogram) => {
    const ms = (nanoseconds) => nanoseconds / 1e6;
    return { p50: ms(histogram.percentile(50)), p99: ms(histogram.percentile(99)), max: ms(histogram.max) };
  };
  const told = { late: percentiles(late), busy: percentiles(busy) };
  late.reset();
  busy.reset();
  await writeFile(`${file}.new`, JSON.stringify(told));
  await rename(`${file}.new`, file);
});
