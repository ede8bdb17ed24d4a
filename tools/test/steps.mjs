import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

/**
 * Runs one command in the root; what it prints is shown.
 *
 * @param counted - whether its tests count themselves into the tally; if not, it is one test.
 */
export function runStep(name, [command, ...args], { counted = false, env = {} } = {}) {
  const started = Date.now();
  console.log(`\n== ${name}`);
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  });
  if (error) console.error(error.message);
  const ok = status === 0;
  console.log(`== ${name}: ${ok ? 'ok' : 'FAILED'} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  return { name, ok, counted };
}

/** Sums the tally file and the uncounted steps. A counted step that failed without saying so counts as a failure. */
export function total(results, tally) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  const lines = existsSync(tally) ? readFileSync(tally, 'utf8').trim().split('\n') : [];
  for (const line of lines.filter(Boolean)) {
    const run = JSON.parse(line);
    for (const key of Object.keys(sum)) sum[key] += run[key];
  }
  const silent = results.some((r) => r.counted && !r.ok) && sum.failed === 0;
  if (silent) sum.failed += 1;
  for (const { ok, counted } of results) if (!counted) sum[ok ? 'passed' : 'failed'] += 1;
  return sum;
}
