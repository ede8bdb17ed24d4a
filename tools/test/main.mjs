// npm test: checks, then unit, integration and crash tests beside each other; ends with the sum of all. With --long, the
// long forms, one after the other.
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ofBuild, ofPackages, ofSources } from './checks.mjs';
import { root, runLanes, step, total } from './steps.mjs';

const { values } = parseArgs({
  options: { long: { type: 'boolean', default: false }, only: { type: 'string' } },
});
const tally = join(tmpdir(), `stowage-tally-${process.pid}`);
process.env.STOWAGE_TALLY = tally;
if (values.long) process.env.STOWAGE_LONG = '1';

const jest = [
  '--experimental-vm-modules',
  '--conditions=stowage-source',
  '--disable-warning=ExperimentalWarning',
];
const env = { NODE_OPTIONS: jest.join(' ') };
const script = (...args) => ['node', ...jest.slice(1), ...args];
const faults = (name) =>
  step(`crash tests: ${name}`, script('tools/faults/main.ts', name), { counted: true });
const unit = step(
  'unit tests',
  ['nx', 'run-many', '-t', 'test', '--parallel=2', '--skip-nx-cache', '--outputStyle=static'],
  { counted: true, env: { CI: 'true', NX_DAEMON: 'false', FORCE_COLOR: '0' } },
);
const integration = step(
  'integration tests',
  ['jest', '-c', 'tools/integration/jest.config.js', `--maxWorkers=${values.only === undefined ? 1 : 2}`],
  { counted: true, env },
);
const oracle = step(
  'oracle of the crash tests',
  ['jest', '-c', 'jest.config.js', '--rootDir=tools/faults', '-i'],
  { counted: true, env },
);
const hostile = step('hostile layers', script('packages/diff/test/hostile/main.ts'), { counted: true });
const kills = ['kill', 'restart'].map(faults);
const other = ['power', 'full', 'eio', 'death', 'rollback'].map(faults);
// In the long form they take hours, and are watched.
const others = ['slow', 'exhaustion', 'churn'].map(faults);

const checks = async () => [...(await runLanes(ofSources)), ...(await runLanes(ofPackages, ofBuild))];
const stages = {
  checks,
  unit: () => runLanes([unit]),
  integration: () => runLanes([integration]),
  faults: () =>
    values.long
      ? runLanes([oracle, ...kills, hostile, ...other, ...others])
      : runLanes([oracle, ...kills], [hostile, ...other]),
};
/** Each has things of its own, so they need not wait for each other; and much of what they do is to wait. */
const beside = {
  checks,
  tests: () => runLanes([unit], [integration], [hostile, oracle, ...kills, ...other]),
};

const started = Date.now();
const results = [];
for (const [name, stage] of Object.entries(values.long || values.only !== undefined ? stages : beside)) {
  if (values.only === undefined || values.only === name) results.push(...(await stage()));
}
const sum = total(results, tally);
rmSync(tally, { force: true });
for (const { name } of results.filter(({ ok }) => !ok)) console.log(`FAILED: ${name}`);
console.log(`took ${Math.round((Date.now() - started) / 1000)} s in ${root}`);
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exitCode = sum.failed === 0 && results.every((r) => r.ok) ? 0 : 1;
