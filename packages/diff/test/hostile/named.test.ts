import { lstat, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Fault, type Mount } from '@stowage/core';
import { listXattrs } from '@stowage/linux';
import { fingerprint, makeCanary } from '../canary.ts';
import { type Entry, tar } from '../tar-writer.ts';
import { Workspace } from '../workspace.ts';
import type { HostileCase } from './cases/hostile-case.ts';
import { hostileCases } from './cases/index.ts';

// Deep trees take time to make and to remove.
jest.setTimeout(120_000);

let at: Workspace;
let canary: string;
let before: string;
beforeAll(async () => {
  at = await Workspace.open();
  canary = await at.directory('outside');
  await makeCanary(canary);
  before = await fingerprint(canary);
});
afterEach(async () => {
  for (const name of await readdir(at.root)) {
    if (/^(bind|upper|work)/.test(name)) await rm(join(at.root, name), { recursive: true });
  }
});
afterAll(async () => at[Symbol.asyncDispose]());

/** Puts the canary's real path where a case says CANARY. */
function aimed(layer: readonly (Entry | Uint8Array)[]): (Entry | Uint8Array)[] {
  const aim = (text: string) => text.replace('CANARY', canary);
  return layer.map((e) => {
    if (e instanceof Uint8Array) return e;
    const linkname = e.linkname === undefined ? {} : { linkname: aim(e.linkname) };
    return { ...e, name: aim(e.name), ...linkname };
  });
}

async function shown(path: string): Promise<string | null> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats === undefined) return null;
  if (stats.isSymbolicLink()) return `-> ${await readlink(path)}`;
  if (stats.isDirectory()) return 'dir/';
  return stats.isFile() ? await readFile(path, 'utf8') : 'node';
}

async function check(
  root: string,
  { after = {}, stats = {}, times = {}, xattrs = {} }: HostileCase,
): Promise<void> {
  for (const [name, expected] of Object.entries(after)) {
    const path = join(root, name);
    if (expected?.startsWith('=') === true) {
      const [one, other] = await Promise.all([lstat(path), lstat(join(root, expected.slice(1)))]);
      expect([name, one.ino]).toEqual([name, other.ino]);
    } else {
      expect([name, await shown(path)]).toEqual([name, expected?.replace('CANARY', canary) ?? null]);
    }
  }
  for (const [name, expected] of Object.entries(stats)) {
    const { mode, uid, gid } = await lstat(join(root, name));
    expect([name, `${(mode & 0o7777).toString(8)} ${uid}:${gid}`]).toEqual([name, expected]);
  }
  for (const [name, expected] of Object.entries(times)) {
    expect([name, (await lstat(join(root, name))).mtimeMs]).toEqual([name, expected * 1000]);
  }
  for (const [name, expected] of Object.entries(xattrs)) {
    expect([name, listXattrs(join(root, name))]).toEqual([name, expected]);
  }
}

/** Whether a message says which entry it speaks of. */
const namesEntry = (message: string): boolean => /(?:entry|unpack [a-z]+) "(?:[^"\\]|\\.)*…?"/.test(message);

/** How to look at what was unpacked. */
type Look = (look: (root: string) => Promise<void>) => Promise<void>;

async function attempt(c: HostileCase, mounts: readonly Mount[], see: Look): Promise<void> {
  const archive = tar(...aimed(c.layer)).subarray(0, c.cutAt);
  if (c.refused === undefined) {
    await at.apply(mounts, archive);
    await see((root) => check(root, c));
  } else {
    const failure = await at.apply(mounts, archive).then(
      () => undefined,
      (e: unknown) => e,
    );
    if (!Fault.is(failure)) throw failure ?? new Error('it was applied');
    expect(failure).toMatchObject({
      kind: 'invalid_argument',
      message: expect.stringMatching(c.refused),
    });
    expect([failure.message, namesEntry(failure.message)]).toEqual([failure.message, c.nameless !== true]);
  }
  expect(await fingerprint(canary)).toBe(before);
  expect((await readdir(at.root)).filter((name) => /^(stowage|\.)/.test(name))).toEqual([]);
}

test('every case has a name of its own', () => {
  const ids = hostileCases.map(({ id }) => id);
  expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
  expect(ids.length).toBeGreaterThan(400);
});

describe('nothing outside is touched', () => {
  test.each(hostileCases.map((c) => [c.id, c] as const))('%s, in a bind mount', async (_, c) => {
    const { path, mounts } = await at.bind();
    if (c.base !== undefined) await at.apply(mounts, tar(...aimed(c.base)));
    await attempt(c, mounts, (look) => look(path));
  });

  test.each(hostileCases.map((c) => [c.id, c] as const))('%s, in an overlay', async (_, c) => {
    const base = await at.bind();
    if (c.base !== undefined) await at.apply(base.mounts, tar(...aimed(c.base)));
    const lower = await fingerprint(base.path);
    const { mounts, upper } = await at.overlay(base.path);
    await attempt(c, mounts, (look) => at.see(mounts, look));
    expect(await fingerprint(base.path)).toBe(lower);
    expect((await readdir(upper)).filter((name) => name.startsWith('.stowage'))).toEqual([]);
  });
});
