import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

/**
 * One command to be run in the root.
 *
 * @param counted - whether its tests count themselves into the tally; if not, it is one test.
 */
export function step(name, command, { counted = false, env = {} } = {}) {
  return { name, command, counted, env };
}

/**
 * Runs lanes of steps beside each other, the steps of a lane one after the other. What those of the first lane print is
 * shown as it comes, so that there is something to see; what the others print, when a step ends.
 */
export async function runLanes(...lanes) {
  const results = await Promise.all(
    lanes.map(async (lane, i) => {
      const done = [];
      for (const one of lane) done.push(await runStep(one, i === 0 ? 'inherit' : 'pipe'));
      return done;
    }),
  );
  return results.flat();
}

async function runStep({ name, command: [command, ...args], counted, env }, shown) {
  const started = Date.now();
  if (shown === 'inherit') console.log(`\n== ${name}`);
  const child = spawn(command, args, {
    cwd: root,
    stdio: ['ignore', shown, shown],
    env: { ...process.env, ...env },
  });
  const printed = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => printed.push(chunk));
  const ok = await new Promise((resolve) => {
    child.on('error', (error) => {
      printed.push(Buffer.from(`${error.message}\n`));
      resolve(false);
    });
    child.on('close', (code) => resolve(code === 0));
  });
  if (shown === 'pipe') console.log(`\n== ${name}`);
  process.stdout.write(Buffer.concat(printed));
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
