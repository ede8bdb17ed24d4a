import { type FileHandle, open, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { DAMAGED_LABEL } from '@stowage/content';
import { damageFile as damage } from '@stowage/content-conformance';
import { LocalContentStore } from '@stowage/content-store';
import { digestOf, hexOf } from '@stowage/core';
import { blobFile, directory, put, tree } from './fixture.ts';

const LARGE = 'some text, '.repeat(50_000);
const lost = (...mentions: string[]) =>
  expect.objectContaining({
    kind: 'data_loss',
    message: expect.stringMatching(new RegExp([...mentions, 'pull or write it again'].join('.*'))),
  });

async function readAll(store: LocalContentStore, ...args: Parameters<LocalContentStore['read']>) {
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.read(...args)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** A store with one blob, whose file is damaged behind its back. */
async function damaged(text: string, how: 'flip' | 'cut') {
  const at = await directory();
  const store = await LocalContentStore.open(at.dir);
  const digest = await put(store, text);
  await damage(blobFile(at.dir, digest), how);
  const dispose = async () => {
    await store[Symbol.asyncDispose]();
    await at[Symbol.asyncDispose]();
  };
  return { dir: at.dir, store, digest, [Symbol.asyncDispose]: dispose };
}

const cases = [
  ['a small blob with a bit flipped', 'small', 'flip'],
  ['a small blob cut off', 'small', 'cut'],
  ['a large blob with a bit flipped', LARGE, 'flip'],
  ['a large blob cut off', LARGE, 'cut'],
  ['a blob cut off to nothing', 'x', 'cut'],
] as const;

test.each(cases)('%s is not given out whole', async (_, text, how) => {
  await using at = await damaged(text, how);
  let given = 0;
  const reading = (async () => {
    for await (const chunk of at.store.read(at.digest)) given += chunk.byteLength;
  })();
  await expect(reading).rejects.toEqual(lost('read', at.digest));
  expect(given).toBeLessThan(how === 'cut' ? text.length - 1 || 1 : text.length);
});

test.each(cases)('%s is found by verify', async (_, text, how) => {
  await using at = await damaged(text, how);
  const [check, ...more] = await Array.fromAsync(at.store.verify());
  expect(more).toEqual([]);
  expect(check).toMatchObject({
    digest: at.digest,
    state: 'corrupt',
    reason: expect.stringContaining('hash to'),
  });
});

test('what was found damaged is data_loss from then on, after a restart too, and stays in lists', async () => {
  await using at = await damaged(LARGE, 'flip');
  await expect(readAll(at.store, at.digest)).rejects.toEqual(lost());
  await at.store[Symbol.asyncDispose]();
  await using store = await LocalContentStore.open(at.dir);
  await expect(store.info(at.digest)).rejects.toEqual(lost('stat', at.digest));
  await expect(readAll(store, at.digest, { offset: 1n, length: 1n })).rejects.toEqual(lost());
  const [listed, ...more] = await Array.fromAsync(store.list());
  expect(more).toEqual([]);
  expect(listed).toMatchObject({ digest: at.digest, sizeBytes: BigInt(LARGE.length) });
  expect(listed?.labels[DAMAGED_LABEL]).toMatch(/did not keep/);
  expect(await Array.fromAsync(store.list([`labels."${DAMAGED_LABEL}"`]))).toEqual([listed]);
  expect(await Array.fromAsync(store.damaged())).toMatchObject([{ digest: at.digest, state: 'corrupt' }]);
});

test('the wrong bytes are kept beside the OCI layout, until a repair or a deletion', async () => {
  for (const end of ['repair', 'delete'] as const) {
    await using at = await damaged('hello', 'flip');
    await expect(readAll(at.store, at.digest)).rejects.toEqual(lost());
    expect(await tree(path.join(at.dir, 'blobs'))).toEqual(['sha256']);
    expect(await readFile(blobFile(at.dir, at.digest, 'corrupt'), 'latin1')).toBe('hemlo');
    if (end === 'repair') await put(at.store, 'hello');
    else await at.store.delete(at.digest);
    expect(await tree(path.join(at.dir, 'corrupt'))).toEqual(['sha256']);
    if (end === 'repair') expect(await readAll(at.store, at.digest)).toBe('hello');
    else await expect(at.store.info(at.digest)).rejects.toMatchObject({ kind: 'not_found' });
  }
});

test('a mark is on disk before anybody hears of the damage', async () => {
  await using at = await damaged('hello', 'flip');
  const synced: string[] = [];
  const probe = await open('/dev/null');
  const prototype = Object.getPrototypeOf(probe) as FileHandle;
  await probe.close();
  const { sync } = prototype;
  prototype.sync = async function (this: FileHandle) {
    await sync.call(this);
    const names = await tree(path.join(at.dir, 'corrupt'));
    if (names.includes(`sha256/${hexOf(at.digest)}`)) synced.push('after the rename');
  };
  try {
    await expect(readAll(at.store, at.digest)).rejects.toEqual(lost());
    expect(synced).toHaveLength(2);
  } finally {
    prototype.sync = sync;
  }
});

test('one that is cut off is replaced by a commit before anybody noticed', async () => {
  await using at = await damaged('hello', 'cut');
  await using writer = await at.store.writer({ ref: 'again' });
  await writer.write(Buffer.from('hello'));
  expect(await writer.commit()).toBe(at.digest);
  expect(await readAll(at.store, at.digest)).toBe('hello');
});

test('a damaged blob can be damaged, found and repaired again', async () => {
  await using at = await damaged('hello', 'flip');
  for (let round = 0; round < 3; round++) {
    expect((await Array.fromAsync(at.store.verify([at.digest])))[0]?.state).toBe('corrupt');
    await using writer = await at.store.writer({ ref: 'r', expected: at.digest });
    await writer.write(Buffer.from('hello'));
    await writer.commit();
    expect((await Array.fromAsync(at.store.verify([at.digest])))[0]?.state).toBe('whole');
    await damage(blobFile(at.dir, at.digest), 'flip');
  }
});

test('what is whole after all is served again', async () => {
  await using at = await damaged('hello', 'flip');
  await expect(readAll(at.store, at.digest)).rejects.toEqual(lost());
  expect(await Array.fromAsync(at.store.verify())).toMatchObject([{ state: 'corrupt' }]);
  await damage(blobFile(at.dir, at.digest, 'corrupt'), 'flip');
  expect((await Array.fromAsync(at.store.verify())).at(-1)).toMatchObject({
    digest: at.digest,
    state: 'whole',
  });
  expect(await readAll(at.store, at.digest)).toBe('hello');
  expect(await tree(path.join(at.dir, 'corrupt'))).toEqual(['sha256']);
});

/** Makes reads of files fail, the first so many of them, while `work` runs. */
async function failingReads(code: string, times: number, work: () => Promise<void>): Promise<void> {
  const probe = await open('/dev/null');
  const prototype = Object.getPrototypeOf(probe) as FileHandle;
  await probe.close();
  const { read } = prototype;
  let left = times;
  prototype.read = async function (this: FileHandle, ...args: Parameters<FileHandle['read']>) {
    if (left-- > 0) throw Object.assign(new Error(code), { code });
    return read.apply(this, args);
  } as FileHandle['read'];
  try {
    await work();
  } finally {
    prototype.read = read;
  }
}

test.each([
  ['the whole', {}],
  ['a part', { offset: 1n }],
])('%s: bytes that the disk can not read are damage, other failures are not', async (_, range) => {
  for (const [code, kind, marked] of [
    ['EIO', 'data_loss', 1],
    ['EMFILE', 'resource_exhausted', 0],
  ] as const) {
    await using at = await directory();
    await using store = await LocalContentStore.open(at.dir);
    const digest = await put(store, 'hello');
    await failingReads(code, Number.POSITIVE_INFINITY, async () => {
      await expect(readAll(store, digest, range)).rejects.toMatchObject({ kind });
    });
    expect(await Array.fromAsync(store.damaged())).toHaveLength(marked);
  }
});

test('bytes that the disk can read a moment later are no damage', async () => {
  await using at = await directory();
  await using store = await LocalContentStore.open(at.dir);
  const digest = await put(store, 'hello');
  const range = { offset: 1n };
  await failingReads('EIO', 1, async () => {
    await expect(readAll(store, digest, range)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await readAll(store, digest, range)).toBe('ello');
  });
  await failingReads('EIO', 1, async () => {
    await expect(readAll(store, digest)).rejects.toMatchObject({ kind: 'unavailable' });
  });
  await failingReads('EIO', 1, async () => {
    expect((await Array.fromAsync(store.verify([digest]))).at(-1)).toMatchObject({ state: 'whole' });
  });
  expect(await Array.fromAsync(store.damaged())).toEqual([]);
  expect(await readAll(store, digest)).toBe('hello');
});

test('a reader of the old bytes does not mark what was written in their place', async () => {
  await using at = await damaged(LARGE, 'flip');
  const reading = at.store.read(at.digest);
  await reading.next();
  await at.store.delete(at.digest);
  await put(at.store, LARGE);
  await expect(Array.fromAsync(reading)).rejects.toEqual(lost());
  expect(await readAll(at.store, at.digest)).toBe(LARGE);
});

test('damage that can not be set aside is told all the same', async () => {
  await using at = await damaged('hello', 'flip');
  await writeFile(path.join(at.dir, 'corrupt'), 'in the way');
  await expect(readAll(at.store, at.digest)).rejects.toEqual(lost('could not be set aside'));
  await expect(Array.fromAsync(at.store.verify([at.digest]))).rejects.toEqual(lost('set aside'));
});

test('a mark that a crash left beside the repaired blob goes when the store is opened', async () => {
  await using at = await damaged('hello', 'flip');
  await expect(readAll(at.store, at.digest)).rejects.toEqual(lost());
  await at.store[Symbol.asyncDispose]();
  await writeFile(blobFile(at.dir, at.digest), 'hello');
  await using store = await LocalContentStore.open(at.dir);
  expect(await readAll(store, at.digest)).toBe('hello');
  expect(await Array.fromAsync(store.damaged())).toEqual([]);
  expect(await tree(path.join(at.dir, 'corrupt'))).toEqual(['sha256']);
});

test('a range is given as it lies there: only the whole can be verified', async () => {
  await using at = await damaged('hello', 'flip');
  expect(await readAll(at.store, at.digest, { offset: 2n })).toBe('mlo');
});

test('verify tells how far it is, and can be given up', async () => {
  await using at = await directory();
  await using store = await LocalContentStore.open(at.dir);
  const block = Buffer.alloc(4 * 1024 * 1024, 7);
  const writer = await store.writer({ ref: 'r' });
  for (let i = 0; i < 20; i++) await writer.write(block);
  const digest = await writer.commit();
  const checks = await Array.fromAsync(store.verify([digest]));
  const size = BigInt(20 * block.length);
  expect(checks.map(({ state }) => state)).toEqual(['running', 'running', 'whole']);
  expect(checks.map(({ checkedBytes }) => checkedBytes)).toEqual([32n << 20n, 64n << 20n, size]);
  const stop = new AbortController();
  const given = (async () => {
    for await (const _ of store.verify([], { signal: stop.signal })) stop.abort(new Error('enough'));
  })();
  await expect(given).rejects.toThrow('enough');
  await expect(Array.fromAsync(store.verify([digestOf('absent')]))).rejects.toMatchObject({
    kind: 'not_found',
  });
});
