/** What must hold of the tree before anything runs: name and command. */
export const checks = [
  ['lock file is complete', ['node', 'tools/checks/lock.mjs']],
  ['workspaces: floors, references, manifests', ['node', 'tools/checks/workspaces.mjs']],
  ['code lint and format', ['biome', 'check', '--error-on-warnings', '.']],
  ['contract lint', ['buf', 'lint']],
  ['contract format', ['buf', 'format', '-d', '--exit-code']],
  ['contract breaks nothing', ['node', 'tools/checks/breaking.mjs']],
  ['generated code is current', ['node', 'tools/checks/generated.mjs']],
  ['types', ['tsc', '-b']],
  ['types of tests and tools', ['tsc', '-p', 'tsconfig.test.json']],
  ['README: table of RPCs is current', ['node', '--conditions=stowage-source', 'tools/checks/rpc-table.ts']],
  ['packages: publint, attw', ['node', 'tools/checks/packages.mjs']],
  [
    'released kits pass today',
    [
      'node',
      '--conditions=stowage-source',
      '--disable-warning=ExperimentalWarning',
      'tools/checks/previous-kit.ts',
    ],
  ],
  ['release dry run', ['node', 'tools/checks/release.mjs']],
];
