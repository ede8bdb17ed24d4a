// npm test: checks, then unit, integration and crash tests beside each other; ends with the sum of all. With --long, the
// long forms, one after the other.
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ofBuild, ofLong, ofPackages, ofSources } from './checks.mjs';
import { root, runLanes, step, total } from './steps.mjs';

const { values } = parseArgs({
  options: { long: { type: 'boolean', default: false }, only: { type: 'string' } },
});
const tally = join(tmpdir(), `stowage-tally-${process.pid}`);
process.env.STOWAGE_TALLY = tally;
if (values.long) process.env.STOWAGE_LONG = '1';

const flags = ['--conditions=stowage-source', '--disable-warning=ExperimentalWarning'];
const script = (...args) => ['node', ...flags, ...args];
const faults = (name) =>
  step(`crash tests: ${name}`, script('tools/faults/main.ts', name), { counted: true });
/** @param projects - which of the workspaces, in jest's own words; all of them if none. */
const jest = (name, workers, ...projects) =>
  step(name, ['jest', '-c', 'tools/test/jest.config.js', `--maxWorkers=${workers}`, ...projects], {
    counted: true,
    env: { NODE_OPTIONS: ['--experimental-vm-modules', ...flags].join(' '), CI: 'true', FORCE_COLOR: '0' },
  });
const hostile = step('hostile layers', script('packages/diff/test/hostile/main.ts'), { counted: true });
const oracle = jest('oracle of the crash tests', 1, '--selectProjects', 'tools/faults');
const kills = ['kill', 'restart'].map(faults);
const other = ['power', 'full', 'eio', 'death', 'rollback'].map(faults);
// In the long form they take hours, and are watched.
const others = ['slow', 'exhaustion', 'churn'].map(faults);

const checks = async () => [
  ...(await runLanes(ofSources)),
  ...(await runLanes(ofPackages, ofBuild)),
  ...(values.long ? await runLanes(ofLong) : []),
];
const stages = {
  checks,
  unit: () => runLanes([jest('unit tests', 2, '--ignoreProjects', 'tools/integration', 'tools/faults')]),
  integration: () =>
    runLanes([jest('integration tests', values.long ? 1 : 2, '--selectProjects', 'tools/integration')]),
  faults: () =>
    values.long
      ? runLanes([oracle, ...kills, hostile, ...other, ...others])
      : runLanes([oracle, ...kills], [hostile, ...other]),
};
/** Each has things of its own, so none need wait for another. More at once than processors, as each waits a lot. */
const beside = {
  checks,
  tests: () => runLanes([jest('unit, integration and oracle tests', 2)], [hostile, ...kills, ...other]),
};

const started = Date.now();
const results = [];
const known = { ...stages, ...beside };
const chosen = values.only?.split(',') ?? Object.keys(values.long ? stages : beside);
for (const name of chosen) {
  if (known[name] === undefined)
    throw new Error(`--only=${name}: there are ${Object.keys(known).join(', ')}`);
  results.push(...(await known[name]()));
}
const sum = total(results, tally);
rmSync(tally, { force: true });
for (const { name } of results.filter(({ ok }) => !ok)) console.log(`FAILED: ${name}`);
console.log(`took ${Math.round((Date.now() - started) / 1000)} s in ${root}`);
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exitCode = sum.failed === 0 && results.every((r) => r.ok) ? 0 : 1;
