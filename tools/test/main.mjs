// npm test: checks, unit tests, integration tests; ends with the sum of all. With --long, the long forms.
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
  ['jest', '-c', 'tools/integration/jest.config.js', '--maxWorkers=2'],
  { counted: true, env },
);
const oracle = step(
  'oracle of the crash tests',
  ['jest', '-c', 'jest.config.js', '--rootDir=tools/faults', '-i'],
  { counted: true, env },
);
const hostile = step('hostile layers', script('packages/diff/test/hostile/main.ts'), { counted: true });
const stages = {
  checks: async () => [...(await runLanes(ofSources)), ...(await runLanes(ofPackages, ofBuild))],
  unit: () => runLanes([unit]),
  integration: () => runLanes([integration]),
  faults: () => {
    const lanes = [
      [oracle, faults('kill'), faults('restart')],
      [hostile, faults('power'), faults('full'), faults('eio'), faults('death'), faults('rollback')],
    ];
    // In the long form they take hours, and are watched.
    const others = [faults('slow'), faults('exhaustion'), faults('churn')];
    return values.long ? runLanes([...lanes.flat(), ...others]) : runLanes(...lanes);
  },
};

const started = Date.now();
const results = [];
for (const [name, stage] of Object.entries(stages)) {
  if (values.only === undefined || values.only === name) results.push(...(await stage()));
}
const sum = total(results, tally);
rmSync(tally, { force: true });
for (const { name } of results.filter(({ ok }) => !ok)) console.log(`FAILED: ${name}`);
console.log(`took ${Math.round((Date.now() - started) / 1000)} s in ${root}`);
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exitCode = sum.failed === 0 && results.every((r) => r.ok) ? 0 : 1;
