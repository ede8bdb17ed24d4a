// The contract must not break what the last release of @stowage/api promised; before the first release, what the
// previous commit had. A first commit has nothing to compare with.
import { spawnSync } from 'node:child_process';

const git = (...args) => spawnSync('git', args, { encoding: 'utf8' });
const tags = git('tag', '--list', '@stowage/api@*', '--sort=-version:refname')
  .stdout.split('\n')
  .filter(Boolean);
const ref = tags[0] ?? 'HEAD~1';
if (git('cat-file', '-e', `${ref}:packages/api/proto`).status !== 0) {
  console.log(`nothing to compare with at ${ref}`);
} else {
  const { status } = spawnSync('buf', ['breaking', '--against', `.git#ref=${ref}`], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
  if (status === 0) console.log(`compared with ${ref}`);
}
