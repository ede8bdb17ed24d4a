import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { must, tempDir } from '@stowage/testing';
import { snapshotUserLookup } from '../src/snapshot-users.ts';

const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();

async function layers(...files: readonly Readonly<Record<string, string>>[]) {
  const dir = await tempDir('snapshot-users');
  const paths: string[] = [];
  for (const [i, layer] of files.entries()) {
    const path = join(dir.path, `snapshots/${i}/fs`);
    await mkdir(join(path, 'etc'), { recursive: true });
    for (const [name, content] of Object.entries(layer)) await writeFile(join(path, name), content);
    paths.push(path);
  }
  const work = join(dir.path, 'snapshots/work');
  await mkdir(work);
  return { paths, work, [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() };
}

/** As a snapshotter gives it for a container: the uppermost layer is its own. */
function overlay([...paths]: readonly string[], work: string) {
  const [upper, ...lower] = paths.reverse();
  const options = [`workdir=${work}`, `upperdir=${upper}`, `lowerdir=${lower.join(':')}`, 'index=off'];
  return [{ type: 'overlay', source: 'overlay', options }];
}

test('a bind is read in its place', async () => {
  await using dir = await layers({ 'etc/passwd': 'a' });
  const bind = { type: 'bind', source: dir.paths[0] ?? '', options: ['rbind'] };
  const files = await snapshotUserLookup([bind])?.();
  expect({ passwd: text(files?.passwd), group: files?.group }).toEqual({ passwd: 'a', group: undefined });
});

test('layers are read as the container will see them: upper ones win, and what was deleted is gone', async () => {
  await using dir = await layers(
    { 'etc/passwd': 'first', 'etc/group': 'deleted' },
    { 'etc/passwd': 'second' },
    {},
    { 'etc/passwd': 'own' },
  );
  // How overlayfs says that a lower layer's file is no more.
  await must('mknod', [join(dir.paths[2] ?? '', 'etc/group'), 'c', '0', '0']);
  const seen = async (...paths: string[]) => {
    const files = await snapshotUserLookup(overlay(paths, dir.work))?.();
    return [text(files?.passwd), text(files?.group)];
  };
  const [a = '', b = '', c = '', d = ''] = dir.paths;
  expect(await seen(a, b)).toEqual(['second', 'deleted']);
  expect(await seen(a, b, c)).toEqual(['second', undefined]);
  expect(await seen(a, b, c, d)).toEqual(['own', undefined]);
});

async function childrenHere(): Promise<string[]> {
  const list = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8').catch(() => '');
  return list.split(' ').filter(Boolean);
}

test('more layers than a page has room for are read, and nothing stays mounted or running', async () => {
  await using dir = await layers({ 'etc/passwd': 'lowest' }, ...Array.from({ length: 120 }, () => ({})));
  const before = await childrenHere();
  const files = await snapshotUserLookup(overlay(dir.paths, dir.work))?.();
  expect(text(files?.passwd)).toBe('lowest');
  expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(dir.work);
  expect((await childrenHere()).filter((pid) => !before.includes(pid))).toEqual([]);
});

test('links of the image lead nowhere outside', async () => {
  await using dir = await layers({}, {});
  await symlink('/etc/passwd', join(dir.paths[0] ?? '', 'etc/passwd'));
  await symlink(`../../../../../..${dir.work}/../0/fs/etc/secret`, join(dir.paths[0] ?? '', 'etc/group'));
  await writeFile(join(dir.paths[0] ?? '', 'etc/secret'), 'secret');
  await expect(snapshotUserLookup(overlay(dir.paths, dir.work))?.()).rejects.toMatchObject({
    kind: 'invalid_argument',
  });
});

test('what cannot be mounted is told in the words of mount', async () => {
  const nowhere = ['lowerdir=/nonexistent/a:/nonexistent/b'];
  const lookup = snapshotUserLookup([{ type: 'overlay', source: 'overlay', options: nowhere }]);
  await expect(lookup?.()).rejects.toMatchObject({
    kind: 'failed_precondition',
    message: expect.stringMatching(/snapshot: .*(nonexistent|cd)/),
  });
});

test('an abort is told by its reason, and ends the process', async () => {
  await using dir = await layers({}, {});
  const reason = new Error('enough');
  const lookup = snapshotUserLookup(overlay(dir.paths, dir.work), { signal: AbortSignal.abort(reason) });
  await expect(lookup?.()).rejects.toBe(reason);
  expect(await readdir(dir.work)).toEqual([]);
});

test('several mounts are not looked into', () => {
  const bind = { type: 'bind', source: '/', options: [] };
  expect(snapshotUserLookup([bind, bind])).toBeUndefined();
  expect(snapshotUserLookup([])).toBeUndefined();
});
