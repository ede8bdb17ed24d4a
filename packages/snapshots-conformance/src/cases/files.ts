import assert from 'node:assert/strict';
import {
  appendFile,
  chmod,
  chown,
  link,
  lstat,
  mkdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import type { Case } from '../subject.ts';
import { changeLayer, entries, look } from '../support.ts';

/** What a changed layer must look like through its child. Where overlays and copies have gone wrong before. */
export const fileCases: readonly Case[] = [
  {
    id: 'files/keep-owner-mode-and-time',
    needs: ['mounts'],
    async run(context) {
      await changeLayer(context, 'base', '', async (path) => {
        await mkdir(join(path, 'd'));
        await writeFile(join(path, 'd', 'f'), 'x');
        await chown(join(path, 'd', 'f'), 1000, 1001);
        await chmod(join(path, 'd', 'f'), 0o4750);
        await utimes(join(path, 'd', 'f'), 1_000_000, 1_000_000);
        await chmod(join(path, 'd'), 0o1777);
      });
      await changeLayer(context, 'top', 'base', (path) => writeFile(join(path, 'd', 'g'), 'y'));
      await look(context, 'top', async (path) => {
        const { uid, gid, mode, mtimeMs } = await stat(join(path, 'd', 'f'));
        assert.deepEqual([uid, gid, mode & 0o7777, mtimeMs], [1000, 1001, 0o4750, 1_000_000_000]);
        assert.equal((await stat(join(path, 'd'))).mode & 0o7777, 0o1777);
      });
    },
  },
  {
    id: 'files/at-the-top-keep-owner-and-mode',
    needs: ['mounts'],
    async run(context) {
      await changeLayer(context, 'base', '', async (path) => {
        await chown(path, 1000, 1001);
        await chmod(path, 0o755);
      });
      await changeLayer(context, 'top', 'base', (path) => writeFile(join(path, 'f'), ''));
      await look(context, 'top', async (path) => {
        const { uid, gid, mode } = await stat(path);
        assert.deepEqual([uid, gid, mode & 0o777], [1000, 1001, 0o755]);
      });
    },
  },
  {
    id: 'files/changed-in-part-keep-the-rest',
    needs: ['mounts'],
    async run(context) {
      await changeLayer(context, 'base', '', (path) => writeFile(join(path, 'f'), 'a'.repeat(10_000)));
      await changeLayer(context, 'top', 'base', (path) => appendFile(join(path, 'f'), 'b'));
      await look(context, 'top', async (path) => {
        assert.equal(await readFile(join(path, 'f'), 'utf8'), `${'a'.repeat(10_000)}b`);
      });
      await look(context, 'base', async (path) => assert.equal((await stat(join(path, 'f'))).size, 10_000));
    },
  },
  {
    id: 'files/change-owner-without-change-of-content',
    needs: ['mounts'],
    async run(context) {
      await changeLayer(context, 'base', '', (path) => writeFile(join(path, 'f'), 'content'));
      await changeLayer(context, 'top', 'base', (path) => chown(join(path, 'f'), 7, 8));
      await look(context, 'top', async (path) => {
        assert.equal((await stat(join(path, 'f'))).uid, 7);
        assert.equal(await readFile(join(path, 'f'), 'utf8'), 'content');
      });
      await look(context, 'base', async (path) => assert.equal((await stat(join(path, 'f'))).uid, 0));
    },
  },
  {
    id: 'files/of-a-directory-deleted-and-made-again-stay-away',
    needs: ['mounts'],
    async run(context) {
      await changeLayer(context, 'base', '', async (path) => {
        await mkdir(join(path, 'd', 'e'), { recursive: true });
        await writeFile(join(path, 'd', 'old'), '');
      });
      await changeLayer(context, 'top', 'base', async (path) => {
        await rm(join(path, 'd'), { recursive: true });
        await mkdir(join(path, 'd'));
        await writeFile(join(path, 'd', 'new'), '');
      });
      await look(context, 'top', async (path) => assert.deepEqual(await entries(path, 'd'), ['new']));
    },
  },
  {
    id: 'files/can-change-their-kind',
    needs: ['mounts'],
    async run(context) {
      await changeLayer(context, 'base', '', async (path) => {
        await mkdir(join(path, 'was-directory'));
        await writeFile(join(path, 'was-directory', 'f'), '');
        await writeFile(join(path, 'was-file'), '');
        await symlink('was-file', join(path, 'was-link'));
      });
      await changeLayer(context, 'top', 'base', async (path) => {
        for (const name of ['was-directory', 'was-file', 'was-link']) {
          await rm(join(path, name), { recursive: true });
        }
        await writeFile(join(path, 'was-directory'), 'file');
        await symlink('elsewhere', join(path, 'was-file'));
        await mkdir(join(path, 'was-link'));
      });
      await look(context, 'top', async (path) => {
        assert.equal(await readFile(join(path, 'was-directory'), 'utf8'), 'file');
        assert.equal(await readlink(join(path, 'was-file')), 'elsewhere');
        assert.deepEqual(await entries(path, 'was-link'), []);
      });
    },
  },
  {
    id: 'files/renamed-are-gone-from-where-they-were',
    needs: ['mounts'],
    async run(context) {
      await changeLayer(context, 'base', '', async (path) => {
        await mkdir(join(path, 'd'));
        await writeFile(join(path, 'd', 'f'), 'x');
      });
      await changeLayer(context, 'top', 'base', async (path) => {
        await rename(join(path, 'd', 'f'), join(path, 'moved'));
        await mkdir(join(path, 'new'));
        await writeFile(join(path, 'new', 'g'), 'y');
        await rename(join(path, 'new'), join(path, 'renamed'));
      });
      await look(context, 'top', async (path) => {
        assert.deepEqual(await entries(path), ['d', 'moved', 'renamed']);
        assert.deepEqual(await entries(path, 'd'), []);
        assert.equal(await readFile(join(path, 'moved'), 'utf8'), 'x');
        assert.deepEqual(await entries(path, 'renamed'), ['g']);
      });
    },
  },
  {
    id: 'files/with-two-names-stay-one',
    needs: ['mounts'],
    async run(context) {
      await changeLayer(context, 'base', '', async (path) => {
        await writeFile(join(path, 'a'), 'x');
        await link(join(path, 'a'), join(path, 'b'));
      });
      await changeLayer(context, 'top', 'base', (path) => writeFile(join(path, 'c'), ''));
      await look(context, 'top', async (path) => {
        const [a, b] = await Promise.all([stat(join(path, 'a')), stat(join(path, 'b'))]);
        assert.equal(a.ino, b.ino);
        assert.equal(a.nlink, 2);
      });
    },
  },
  {
    id: 'files/linked-are-never-followed',
    needs: ['mounts'],
    async run(context) {
      await changeLayer(context, 'base', '', async (path) => {
        await symlink('/etc/passwd', join(path, 'file'));
        await symlink('/etc', join(path, 'directory'));
        await symlink('nowhere', join(path, 'dangling'));
      });
      const { snapshotter: s } = context;
      await s.prepare('k', 'base');
      assert.ok((await s.usage('k')).inodes <= 4n);
      await look(context, 'base', async (path) => {
        for (const name of ['file', 'directory', 'dangling']) {
          assert.ok((await lstat(join(path, name))).isSymbolicLink());
        }
      });
    },
  },
];
