import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { run } from '@stowage/testing';
import { candidates, type LiveNames } from '../src/complete/candidates.ts';
import { liveNames } from '../src/complete/live-names.ts';
import { SCRIPTS } from '../src/complete/scripts.ts';

const asked: unknown[] = [];
const names: LiveNames = async (kinds, options) => {
  asked.push(options);
  return kinds.flatMap((kind) => [`${kind}-1`, `${kind}-2`]);
};
const values = async (...words: string[]) => (await candidates(words, names)).map(({ value }) => value);

test.each<[string[], string[]]>([
  [['ver'], ['version']],
  [
    ['image', 'c'],
    ['check', 'convert'],
  ],
  [
    ['ns', 'l'],
    ['ls', 'label'],
  ],
  [['ps', '--a'], ['--all']],
  [
    ['ps', '-'],
    ['-a', '--all', '--format', '-q', '--quiet', '-h', '--help'],
  ],
  [['--emb'], ['--embedded']],
  [
    ['run', '--pull', ''],
    ['missing', 'always', 'never'],
  ],
  [['run', '--pull=a'], ['--pull=always']],
  [['run', '-it', '--net', 'h'], ['host']],
  [
    ['run', ''],
    ['images-1', 'images-2'],
  ],
  [['run', 'busybox', ''], []],
  [['run', 'busybox', '--p'], []],
  [
    ['rm', '-f', 'web', ''],
    ['containers-1', 'containers-2'],
  ],
  [['logs', 'web', ''], []],
  [
    ['inspect', '--type', 'image', ''],
    ['containers-1', 'containers-2', 'images-1', 'images-2'],
  ],
  [
    ['-n', ''],
    ['namespaces-1', 'namespaces-2'],
  ],
  [['--namespace=names'], ['--namespace=namespaces-1', '--namespace=namespaces-2']],
  [
    ['ops', 'cancel', ''],
    ['operations-1', 'operations-2'],
  ],
  [
    ['snapshot', '--snapshotter', 'native', 'rm', ''],
    ['snapshots-1', 'snapshots-2'],
  ],
  [
    ['cp', ''],
    ['container paths-1', 'container paths-2'],
  ],
  [
    ['completion', ''],
    ['bash', 'zsh', 'fish'],
  ],
  [['rm', '--', '-'], []],
  [['nonsense', ''], []],
])('%j goes on with %j', async (words, expected) => {
  expect((await values(...words)).sort()).toEqual([...expected].sort());
});

test('the daemon is asked that the line means', async () => {
  await values('-a', '/run/x.sock', '--namespace=k8s.io', 'snapshot', '--snapshotter', 'native', 'rm', '');
  expect(asked.at(-1)).toMatchObject({ address: '/run/x.sock', namespace: 'k8s.io', snapshotter: 'native' });
});

test('what nobody is to type is not offered', async () => {
  expect(await values('__')).toEqual([]);
  expect(await values('')).toEqual(expect.arrayContaining(['run', 'completion', 'image']));
});

test('without a daemon there are no names, and no error', async () => {
  expect(await liveNames(['containers'], { address: '/nowhere/x.sock', namespace: 'default' })).toEqual([]);
});

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stowage-complete-'));
  const offered = ['registry:5000/a:1', 'registry:5000/a:2', 'registry:5000/b:1', 'web:'];
  // Says what it was asked, and offers what begins so.
  const stub = `#!/bin/sh
printf '%s|' "$@" > '${dir}/asked'
for last; do :; done
for one in ${offered.join(' ')}; do case $one in "$last"*) printf '%s\\tsome thing\\n' "$one";; esac; done
`;
  await writeFile(join(dir, 'stowage'), stub);
  await chmod(join(dir, 'stowage'), 0o755);
  await writeFile(join(dir, 'completion.bash'), SCRIPTS.bash);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

test.each([
  ['stowage rmi reg', ':=', 'registry:5000/a:1,registry:5000/a:2,registry:5000/b:1'],
  // Readline replaces what follows the last colon.
  ['stowage rmi registry:5000/a:', ':=', '1,2'],
  ['stowage rmi registry:5000/b', ':=', '5000/b:1'],
  ['stowage rmi registry:5000/a:', '', 'registry:5000/a:1,registry:5000/a:2'],
  ['stowage rmi nothing', ':=', ''],
])('bash completes "%s" where words end at "%s"', async (line, breaks, expected) => {
  const script = `source '${dir}/completion.bash'
compopt() { :; }
COMP_WORDBREAKS=$' \\t\\n${breaks}' COMP_LINE='${line}' COMP_POINT=${line.length}
_stowage
IFS=,; echo "\${COMPREPLY[*]}"`;
  const PATH = `${dir}${delimiter}${process.env.PATH}`;
  const { code, stdout, stderr } = await run('bash', ['-uc', script], { env: { PATH } });
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `${expected}\n`, stderr: '' });
});
