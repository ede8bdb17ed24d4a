import { randomBytes } from 'node:crypto';
import { cp, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { beforeAll, expect, test } from '@jest/globals';
import { Daemon, mustCtr, run } from '@stowage/testing';
import { withTempDir } from '../suite.ts';

const suite = withTempDir('check');
const STOWAGED = join(import.meta.dirname, '../../../apps/daemon/bin/stowaged.mjs');
const METADATA = 'io.containerd.metadata.v1.level';

/** A root with content, labels and snapshots, of a daemon that was stopped. */
let whole: string;
/** Of a daemon that collects no garbage: what `ctr` puts in is held by nothing. */
let config: string;
beforeAll(async () => {
  config = join(suite.dir, 'config.toml');
  await writeFile(config, "version = 3\ndisabled_plugins = ['io.containerd.gc.v1.scheduler']\n");
  await using daemon = await Daemon.start({ dir: join(suite.dir, 'first'), config });
  for (let i = 0; i < 3; i += 1) {
    const file = join(suite.dir, `blob${i}`);
    await writeFile(file, randomBytes(1000));
    const ingest = ['content', 'ingest', `ref${i}`];
    await mustCtr(daemon.address, ingest, { input: await readFile(file) });
  }
  await mustCtr(daemon.address, ['snapshots', 'prepare', 'active']);
  await mustCtr(daemon.address, ['snapshots', 'commit', 'base', 'active']);
  await mustCtr(daemon.address, ['snapshots', 'prepare', 'top', 'base']);
  await daemon.stop('SIGTERM');
  whole = daemon.root;
}, 60_000);

interface Root {
  readonly dir: string;
  readonly root: string;
  check(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }>;
}

async function copyOf(name: string): Promise<Root> {
  const dir = join(suite.dir, name);
  const root = join(dir, 'root');
  await mkdir(dir);
  await cp(whole, root, { recursive: true });
  const flags = ['--root', root, '--state', join(dir, 'state')];
  return { dir, root, check: (...args) => run(process.execPath, [STOWAGED, ...flags, 'check', ...args]) };
}

async function serve({ dir, root }: Root) {
  return run(process.execPath, [STOWAGED, '--root', root, '--state', join(dir, 'state')]);
}

test('a whole root: exit code 0, and no file of it changes', async () => {
  const at = await copyOf('whole');
  const picture = async () => {
    const entries = await readdir(at.root, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() && entry.name !== 'lock');
    const paths = files.map(({ parentPath, name }) => join(parentPath, name)).sort();
    return Promise.all(paths.map(async (path) => [path, (await stat(path)).mtimeMs]));
  };
  const before = await picture();
  const result = await at.check();
  expect(result).toMatchObject({ code: 0, stderr: '' });
  expect(result.stdout).toContain('is whole');
  expect(await picture()).toEqual(before);
});

test('a daemon that runs is asked, and finds what a file system lost', async () => {
  const at = await copyOf('live');
  await using daemon = await Daemon.start({ dir: at.dir, config });
  expect(await at.check()).toMatchObject({ code: 0, stderr: '' });
  const blobs = join(at.root, 'io.containerd.content.v1.content/blobs/sha256');
  const [hex = ''] = await readdir(blobs);
  await rm(join(blobs, hex));
  const result = await at.check('--json');
  expect(result.code).toBe(1);
  expect(
    result.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([
    expect.objectContaining({
      severity: 'error',
      code: 'blob-missing',
      subject: expect.stringContaining(hex),
      remedy: expect.any(String),
    }),
  ]);
  const repair = await at.check('--repair');
  expect(repair.code).toBe(1);
  expect(repair.stderr).toContain(`pid ${daemon.pid}`);
});

test('damaged metadata: the daemon ends with 78, the check names the file, a repair makes it start', async () => {
  const at = await copyOf('damaged');
  const db = join(at.root, METADATA, 'db');
  const log = (await readdir(db)).find((name) => name.endsWith('.log')) ?? '';
  {
    await using file = await open(join(db, log), 'r+');
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, 500);
    await file.write(Buffer.from([buffer.readUInt8(0) ^ 1]), 0, 1, 500);
  }
  const refused = await serve(at);
  expect(refused.code).toBe(78);
  expect(refused.stderr).toContain(log);
  expect(refused.stderr).toContain('stowaged check');
  const found = await at.check();
  expect(found.code).toBe(1);
  expect(found.stdout).toContain(`error: db/${log}: `);
  const repaired = await at.check('--repair');
  expect(repaired.stdout).toContain('db.damaged-');
  await using daemon = await Daemon.start({ dir: at.dir, config });
  await mustCtr(daemon.address, ['snapshots', 'prepare', 'another']);
});

test.each<[string, (metadata: string) => Promise<void>, RegExp]>([
  [
    'its database is gone',
    (metadata) => rm(join(metadata, 'db'), { recursive: true }),
    /CURRENT: it is gone/,
  ],
  [
    'all of metadata is gone',
    (metadata) => rm(metadata, { recursive: true }),
    /metadata.mark is missing.*(blobs|snapshots)/,
  ],
  ['a newer Stowage wrote it', newer, /newer Stowage/],
])('%s: the daemon ends with 78 and makes nothing anew, the check too', async (what, damage, message) => {
  const at = await copyOf(what.replaceAll(' ', '-'));
  await damage(join(at.root, METADATA));
  const refused = await serve(at);
  expect(refused.code).toBe(78);
  expect(refused.stderr).toMatch(message);
  expect((await at.check()).code).toBe(78);
  expect(await readdir(join(at.root, METADATA, 'db')).catch(() => [])).not.toContain(
    what.startsWith('a newer') ? 'none' : 'CURRENT',
  );
});

/** A newer schema in a mark that is whole otherwise. */
async function newer(metadata: string): Promise<void> {
  const path = join(metadata, 'metadata.mark');
  const { crc32: _, ...fields } = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  const next = { ...fields, schema: 2 };
  await writeFile(path, JSON.stringify({ ...next, crc32: crc32(JSON.stringify(next)) }));
}

test('the files of a snapshot, and the index of a snapshotter, that are gone: errors', async () => {
  const at = await copyOf('snapshots');
  const overlay = join(at.root, 'io.containerd.snapshotter.v1.overlayfs');
  const [id = ''] = (await readdir(join(overlay, 'snapshots'))).filter((name) => /^\d+$/.test(name));
  await rm(join(overlay, 'snapshots', id), { recursive: true });
  const files = await at.check();
  expect(files.code).toBe(1);
  expect(files.stdout).toContain(join(overlay, 'snapshots', id));
  await rm(join(overlay, 'metadata/mark'));
  const index = await at.check();
  expect(index.code).toBe(1);
  expect(index.stdout).toContain(join(overlay, 'metadata/mark'));
});

test('a root that is not there: 78, and it is not made', async () => {
  const root = join(suite.dir, 'nowhere');
  const result = await run(process.execPath, [STOWAGED, '--root', root, 'check']);
  expect(result.code).toBe(78);
  expect(result.stderr).toContain(root);
  await expect(stat(root)).rejects.toMatchObject({ code: 'ENOENT' });
});
