// All test files in one run, so that each processor has one to work on until the last: a run for each package would end
// with the longest, and starting them takes longer than many take.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import base from '../../jest.config.js';
import integration from '../integration/jest.config.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What is said once for all of them is left out. */
function project(path, { reporters: _reporters, testTimeout: _testTimeout, ...config }) {
  return { ...config, rootDir: join(root, path), displayName: path };
}

const workspaces = ['packages', 'apps'].flatMap((folder) =>
  readdirSync(join(root, folder)).map((name) => `${folder}/${name}`),
);

export default {
  reporters: base.reporters,
  testTimeout: base.testTimeout,
  // What modules of a test file hold is not wholly given back.
  workerIdleMemoryLimit: '1GB',
  projects: [
    ...workspaces.map((path) => project(path, base)),
    project('tools/faults', base),
    project('tools/soak', base),
    project('tools/integration', integration),
  ],
};
