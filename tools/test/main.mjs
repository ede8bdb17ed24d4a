// npm test: checks, unit tests, integration tests; ends with the sum of all. With --long, the long forms.
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checks } from './checks.mjs';
import { root, runStep, total } from './steps.mjs';

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
// Kits at sockets, side by side with containerd, and large blobs: minutes, so they are of the long form.
const LONG_ONLY = '(content|snapshots|metadata)-conformance\\.test|large-blobs\\.test';
const shorter = values.long ? [] : [`--testPathIgnorePatterns=${LONG_ONLY}`];
const stages = {
  checks: () => checks.map(([name, command]) => runStep(name, command)),
  unit: () => [
    runStep(
      'unit tests',
      ['nx', 'run-many', '-t', 'test', '--parallel=2', '--skip-nx-cache', '--outputStyle=static'],
      {
        counted: true,
        env: { CI: 'true', NX_DAEMON: 'false', FORCE_COLOR: '0' },
      },
    ),
  ],
  integration: () => [
    runStep(
      'integration tests',
      ['jest', '-c', 'jest.config.js', '--rootDir=tools/integration', '-i', ...shorter],
      {
        counted: true,
        env: { NODE_OPTIONS: jest.join(' ') },
      },
    ),
  ],
  faults: () => [
    runStep('oracle of the crash tests', ['jest', '-c', 'jest.config.js', '--rootDir=tools/faults', '-i'], {
      counted: true,
      env: { NODE_OPTIONS: jest.join(' ') },
    }),
    runStep('crash tests', ['node', ...jest.slice(1), 'tools/faults/main.ts'], { counted: true }),
    runStep('hostile layers', ['node', ...jest.slice(1), 'packages/diff/test/hostile/main.ts'], {
      counted: true,
    }),
  ],
};

const started = Date.now();
const results = [];
for (const [name, stage] of Object.entries(stages)) {
  if (values.only === undefined || values.only === name) results.push(...stage());
}
const sum = total(results, tally);
rmSync(tally, { force: true });
for (const step of results.filter((r) => !r.ok)) console.log(`FAILED: ${step.name}`);
console.log(`took ${Math.round((Date.now() - started) / 1000)} s in ${root}`);
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exitCode = sum.failed === 0 && results.every((r) => r.ok) ? 0 : 1;
