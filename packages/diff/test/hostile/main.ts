// node --conditions=stowage-source packages/diff/test/hostile/main.ts: unpacks random hostile archives. See README.md.
import { appendFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { run } from '@stowage/testing';
import { play } from './play.ts';
import { countOf, type Report } from './report.ts';

const FORMS = {
  short: { archives: 200, containerdEvery: 8, swapEvery: 20 },
  ci: { archives: 2000, containerdEvery: 4, swapEvery: 10 },
  long: { archives: 20_000, containerdEvery: 10, swapEvery: 10 },
};
const USAGE = `node --conditions=stowage-source packages/diff/test/hostile/main.ts
  --form F      short (default), ci, long
  --archives N  instead of those of the form
  --seed S      of the first archive, each after it has the next; by default that of the short form is always the same,
                others' are not`;

/** "npm test" has the same archives each time: what it says depends on the code alone. */
const SHORT_SEED = 20_260_101;

const { values } = parseArgs({
  options: {
    form: { type: 'string', default: process.env.STOWAGE_LONG === '1' ? 'long' : 'short' },
    archives: { type: 'string' },
    seed: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help || !Object.hasOwn(FORMS, values.form)) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}
const form = FORMS[values.form as keyof typeof FORMS];
const seed = Number(values.seed ?? (values.form === 'short' ? SHORT_SEED : Math.floor(Math.random() * 1e9)));
if (process.getuid?.() !== 0) {
  console.log('SKIPPED hostile layers: unpacking needs root');
  tally(0, 0, 1);
  process.exit();
}
const hasContainerd = (await run('containerd', ['--version']).catch(() => undefined))?.code === 0;
if (!hasContainerd) console.log('containerd is not installed: nothing is compared with it');
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stop.abort(name));

const began = performance.now();
const report = await play({
  ...form,
  ...(!hasContainerd && { containerdEvery: 0 }),
  ...(values.archives !== undefined && { archives: Number(values.archives) }),
  seed,
  signal: stop.signal,
  onProgress: ({ archives }) => {
    if (archives % 1000 === 0) console.log(`${archives} archives`);
  },
});
const seconds = Math.round((performance.now() - began) / 100) / 10;
const { findings, ...counts } = report;
console.log(JSON.stringify({ ...counts, seed, seconds, findings: findings.map(({ kind }) => kind) }));
for (const { kind, seed: at, text, plan } of findings) {
  console.log(`FAILED ${kind}, seed ${at}: ${text}\n  ${JSON.stringify(plan)}`);
}
console.log(told(report));
tally(Math.max(report.archives - findings.length, 0), findings.length, 0);
if (stop.signal.aborted) console.log(`ended early by ${stop.signal.reason}`);
if (findings.length > 0) process.exitCode = 1;
else if (stop.signal.aborted) process.exitCode = 130;

function told(r: Report): string {
  const { overlay, lone, gnuTar, containerd } = r.compared;
  const compared = `compared ${overlay} overlays, ${lone} lone layers, ${gnuTar} with GNU tar, ${containerd} with containerd`;
  const sum = `${r.archives} archives, ${r.applied} applied, ${r.refused} refused`;
  const bad = `${countOf(r, 'escape')} escapes, ${countOf(r, 'difference')} differences, ${countOf(r, 'unclear')} unclear`;
  return `hostile layers: ${sum}, ${bad}; ${compared}; ${r.swaps} swaps; seed ${seed}, ${seconds} s`;
}

/** Counts archives as tests into the sum of `npm test`. */
function tally(passed: number, failed: number, skipped: number): void {
  const file = process.env.STOWAGE_TALLY;
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ passed, failed, skipped })}\n`);
}
