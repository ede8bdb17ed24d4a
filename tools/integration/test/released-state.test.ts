import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Daemon, must, mustCtr } from '@stowage/testing';
import { STATE, unpackRoot } from '../../fixtures/archive.ts';
import { type Inventory, inventory, NAMESPACE } from '../../fixtures/inventory.ts';
import { withTempDir } from '../suite.ts';

// What a released version left on disk, the daemon of today opens: all of it, also where it was killed in the middle of
// its first start on it, when whatever has to be changed is changed.

const suite = withTempDir('released-state');
const ROOT = join(import.meta.dirname, '../../..');
const DAEMON = join(ROOT, 'apps/daemon/dist/bundle/stowaged.js');
const versions = (await readdir(STATE))
  .filter((name) => name.endsWith('.json'))
  .map((name) => name.slice(0, -5));
/** When it is killed, as parts of the time that a start takes. */
const KILLED_AT = process.env.STOWAGE_LONG === '1' ? [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9] : [0.5, 0.85];

async function restored(version: string, name: string): Promise<string> {
  const dir = join(suite.dir, `${version}-${name}`);
  await mkdir(dir);
  await unpackRoot(join(STATE, `${version}.tar.zst`), join(dir, 'root'));
  return dir;
}

async function expected(version: string): Promise<Inventory> {
  return JSON.parse(await readFile(join(STATE, `${version}.json`), 'utf8')) as Inventory;
}

/** That records, bytes and snapshots are those of the fixture, and nothing is found to be wrong. */
async function isWhole(daemon: Daemon, version: string): Promise<void> {
  const then = await expected(version);
  expect(await inventory(daemon.address)).toEqual(then);
  const [image = ''] = Object.keys(then.images);
  const at = join(suite.dir, `mounted-${version}`);
  await mkdir(at, { recursive: true });
  const images = (...args: string[]) => mustCtr(daemon.address, ['-n', NAMESPACE, 'images', ...args]);
  await images('mount', image, at);
  try {
    expect(await readFile(join(at, 'motd'), 'utf8')).toBe('hello from an older version\n');
    expect(await readdir(join(at, 'etc'))).toEqual(['motd']);
  } finally {
    await must('umount', [at]);
  }
  await images('unmount', '--rm', at);
  expect(await daemon.command('check')).toMatchObject({ code: 0 });
}

test('every released version has a fixture', async () => {
  expect(versions).toContain('0.1.0');
  const tags = await must('git', ['-C', ROOT, 'tag', '--list', '@stowage/daemon@*']);
  const released = tags
    .split('\n')
    .filter(Boolean)
    .map((tag) => tag.slice('@stowage/daemon@'.length));
  expect(versions).toEqual(expect.arrayContaining(released));
});

describe.each(versions)('the state of %s', (version) => {
  let startMs = 500;

  test('is found whole', async () => {
    const dir = await restored(version, 'plain');
    const started = Date.now();
    await using daemon = await Daemon.start({ dir });
    startMs = Date.now() - started;
    await isWhole(daemon, version);
    // And by the next start, on what this one made of it.
    await daemon.stop();
    await daemon.start();
    expect(await inventory(daemon.address)).toEqual(await expected(version));
  }, 60_000);

  test('is found whole after the first start on it was killed', async () => {
    const dir = await restored(version, 'killed');
    const flags = ['--root', join(dir, 'root'), '--state', join(dir, 'state')];
    for (const part of KILLED_AT) {
      const child = spawn(process.execPath, [DAEMON, ...flags], {
        stdio: 'ignore',
        env: { ...process.env, NODE_OPTIONS: '' },
      });
      const gone = once(child, 'exit');
      setTimeout(() => child.kill('SIGKILL'), part * startMs);
      expect(await gone).toEqual([null, 'SIGKILL']);
    }
    await using daemon = await Daemon.start({ dir });
    await isWhole(daemon, version);
  }, 120_000);
});
