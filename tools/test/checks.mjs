import { step } from './steps.mjs';

const source = ['node', '--conditions=stowage-source', '--disable-warning=ExperimentalWarning'];

/** What must hold of the tree before anything runs. The last of them builds what the rest look at. */
export const ofSources = [
  ['lock file is complete', ['node', 'tools/checks/lock.mjs']],
  ['workspaces: floors, references, manifests', ['node', 'tools/checks/workspaces.mjs']],
  ['links of READMEs and docs', ['node', 'tools/checks/links.mjs']],
  ['code lint and format', ['biome', 'check', '--error-on-warnings', '.']],
  ['contract lint', ['buf', 'lint']],
  ['contract format', ['buf', 'format', '-d', '--exit-code']],
  ['contract breaks nothing', ['node', 'tools/checks/breaking.mjs']],
  ['generated code is current', ['node', 'tools/checks/generated.mjs']],
  ['types', ['tsc', '-b']],
].map(([name, command]) => step(name, command));

/** What must hold of what is built, but for its form as packages. */
export const ofBuild = [
  ['types of tests and tools', ['tsc', '-p', 'tsconfig.test.json']],
  ['README: table of RPCs is current', [...source, 'tools/checks/rpc-table.ts']],
  ['released kits pass today', [...source, 'tools/checks/previous-kit.ts']],
  ['release dry run', ['node', 'tools/checks/release.mjs']],
].map(([name, command]) => step(name, command));

export const ofPackages = [step('packages: publint, attw', ['node', 'tools/checks/packages.mjs'])];

/** What takes minutes, in the long form alone. */
export const ofLong = [
  step('documentation: no warnings, no broken links', ['node', 'tools/docs/main.mjs']),
  step('rehearsal of a release', [...source, 'tools/release/rehearse/main.ts']),
];
