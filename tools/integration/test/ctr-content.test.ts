import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeAll, expect, test } from '@jest/globals';
import { connect } from '@stowage/client';
import { type Digest, digestOf } from '@stowage/core';
import { ctr, mustCtr, run, until } from '@stowage/testing';
import { withDaemon } from '../suite.ts';

const suite = withDaemon('ctr-content');
const c = (...args: string[]) => mustCtr(suite.daemon.address, args);
const LEASE = 'held';

/** What ctr ingests is held by nothing, and goes at the next collection: here a lease holds it beforehand. */
async function held(type: 'content' | 'ingests', id: string): Promise<void> {
  await using client = connect(suite.daemon.address, { namespace: suite.namespace });
  await client.services.leases.addResource(LEASE, { type, id });
}

async function ingest(ref: string, input: string, ...flags: string[]) {
  const result = await ctr(suite.daemon.address, ['content', 'ingest', ...flags, ref], { input });
  return { code: result.code, stderr: result.stderr };
}

async function blob(input: string): Promise<Digest> {
  const digest = digestOf(input);
  await held('content', digest);
  expect(await ingest(`ref-${digest}`, input, '--expected-digest', digest)).toMatchObject({ code: 0 });
  return digest;
}

/** Whether the bytes of a blob are on disk. */
async function isOnDisk(digest: Digest): Promise<boolean> {
  const blobs = join(suite.daemon.root, 'io.containerd.content.v1.content/blobs/sha256');
  const names: string[] = await readdir(blobs).catch(() => []);
  return names.includes(digest.replace('sha256:', ''));
}

/** Drops what failed commits leave, which ctr has no word for. */
async function abortAll(): Promise<string[]> {
  await using client = connect(suite.daemon.address, { namespace: suite.namespace });
  const { content } = client.services;
  const refs = (await Array.fromAsync(content.statuses())).map(({ ref }) => ref);
  for (const ref of refs) await content.abort(ref);
  return refs.sort();
}

/** ctr sends what it reads in pieces of a MiB. */
const FIRST = 'first'.repeat(300_000);
const WHOLE = `${FIRST}, and last`;
const FIRST_IS_THERE = (ref: string) => new RegExp(`^${ref}\\s+1\\.049MB\\s`, 'm');

/** An ingest whose input stays open. */
function begin(ref: string): ChildProcess {
  return spawn('ctr', ['--address', suite.daemon.address, 'content', 'ingest', ref], {
    env: process.env,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
}

beforeAll(() => c('leases', 'create', '--id', LEASE, '--expires', '1h'));

test('ingest, ls, get, rm', async () => {
  const bytes = 'x'.repeat(2_200_000);
  const digest = await blob(bytes);
  expect(await c('content', 'ls', '-q')).toContain(digest);
  expect(await c('content', 'ls')).toMatch(new RegExp(`${digest}\\s+2\\.2MB\\s`));
  expect(await c('content', 'get', digest)).toBe(bytes);
  expect(await ingest('again', bytes, '--expected-digest', digest)).toEqual({ code: 0, stderr: '' });
  await c('content', 'rm', digest);
  expect(await c('content', 'ls', '-q')).not.toContain(digest);
  await until('the bytes to go', async () => !(await isOnDisk(digest)));
  const gone = await ctr(suite.daemon.address, ['content', 'get', digest]);
  expect(gone).toMatchObject({ code: 1, stderr: expect.stringContaining('not found') });
});

test('bytes of another digest or size are refused, and become no blob', async () => {
  const digest = digestOf('expected');
  expect(await ingest('digest', 'given', '--expected-digest', digest)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(`${digestOf('given')}, expected ${digest}: failed precondition`),
  });
  expect(await ingest('long', 'given', '--expected-size', '4')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/5 bytes, expected 4: failed precondition/),
  });
  expect(await ingest('short', 'given', '--expected-size', '6')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('failed to read expected number of bytes'),
  });
  // It goes by the size alone, whether the blob is there or not.
  const there = await blob('there');
  expect(await ingest('there', 'there', '--expected-size', '4')).toMatchObject({ code: 1 });
  expect(await c('content', 'ls', '-q')).toBe(`${there}\n`);
  for (const one of [digest, digestOf('given')]) expect(await isOnDisk(one)).toBe(false);
  expect(await abortAll()).toEqual(expect.arrayContaining(['digest', 'long', 'there']));
  await c('content', 'rm', there);
});

test('labels: any key, set, changed, removed, and found by', async () => {
  const digest = await blob('labelled');
  const other = await blob('other');
  await c('content', 'label', digest, 'a.b/c=1', 'plain=x=y', 'example.com/two words=2');
  const listed = await c('content', 'ls', 'labels."a.b/c"==1');
  for (const label of ['a.b/c=1', 'plain=x=y', 'example.com/two words=2']) expect(listed).toContain(label);
  expect(listed).not.toContain(other);
  await c('content', 'label', digest, 'a.b/c=2', 'plain=');
  expect(await c('content', 'ls', '-q', 'labels.plain')).toBe('');
  expect(await c('content', 'ls', '-q', 'labels."a.b/c"==2')).toBe(`${digest}\n`);
  const long = await ctr(suite.daemon.address, ['content', 'label', digest, `k=${'x'.repeat(4096)}`]);
  expect(long).toMatchObject({ code: 1, stderr: expect.stringContaining('invalid argument') });
  await c('content', 'rm', digest, other);
});

test('an ingest is active while it is written', async () => {
  const digest = digestOf(WHOLE);
  await held('content', digest);
  const writing = begin('open');
  writing.stdin?.write(FIRST);
  await until('the first bytes', async () => FIRST_IS_THERE('open').test(await c('content', 'active')));
  expect(await c('content', 'active', 'nobody')).not.toContain('open');
  writing.stdin?.end(WHOLE.slice(FIRST.length));
  expect(await once(writing, 'exit')).toEqual([0, null]);
  expect(await c('content', 'active')).not.toMatch(/^open/m);
  expect(await c('content', 'get', digest)).toBe(WHOLE);
  await c('content', 'rm', digest);
});

test('an ingest whose writer was killed stays, and is gone on with under its ref', async () => {
  const digest = digestOf(WHOLE);
  await held('ingests', 'killed');
  await held('content', digest);
  const writing = begin('killed');
  const said = text(writing.stderr as NodeJS.ReadableStream);
  writing.stdin?.write(FIRST);
  await until('the first bytes', async () => FIRST_IS_THERE('killed').test(await c('content', 'active')));
  writing.kill('SIGKILL');
  await once(writing, 'exit');
  expect(await said).toBe('');
  expect(await c('content', 'active')).toMatch(FIRST_IS_THERE('killed'));
  // From a file, which ctr can go to the middle of.
  const file = join(suite.dir, 'whole');
  await writeFile(file, WHOLE);
  const again = `ctr --address ${suite.daemon.address} content ingest --expected-digest ${digest} killed < ${file}`;
  expect(await run('sh', ['-c', again])).toMatchObject({ code: 0, stderr: '' });
  expect(await c('content', 'get', digest)).toBe(WHOLE);
  expect(await c('content', 'active')).not.toContain('killed');
  expect(suite.daemon.log.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  await c('content', 'rm', digest);
});

test('leases: create with labels and an end, ls, rm; with the lease goes what only it holds', async () => {
  const digest = digestOf('leased');
  await c('leases', 'create', '--id', 'mine', '--expires', '1h', 'why=test', 'a.b/c=1');
  const listed = await c('leases', 'ls');
  expect(listed).toMatch(/^mine\s.*a\.b\/c=1/m);
  expect(listed).toMatch(/^mine\s.*containerd\.io\/gc\.expire=\d{4}-/m);
  expect(await c('leases', 'ls', '-q', 'id==mine')).toBe('mine\n');
  const twice = await ctr(suite.daemon.address, ['leases', 'create', '--id', 'mine']);
  expect(twice).toMatchObject({ code: 1, stderr: expect.stringContaining('already exists') });
  await using client = connect(suite.daemon.address, { namespace: suite.namespace });
  await client.services.leases.addResource('mine', { type: 'content', id: digest });
  expect(await ingest('leased', 'leased')).toMatchObject({ code: 0 });
  expect(await isOnDisk(digest)).toBe(true);
  await c('leases', 'rm', '--sync', 'mine');
  expect(await c('leases', 'ls', '-q')).toBe(`${LEASE}\n`);
  expect(await isOnDisk(digest)).toBe(false);
  expect(await c('content', 'ls', '-q')).not.toContain(digest);
});

test('a namespace is not removed while anything is in it, and says what', async () => {
  const green = (...args: string[]) => c('-n', 'green', ...args);
  await c('namespaces', 'create', 'green', 'colour=green', 'team=a.b/c');
  await green('leases', 'create', '--id', 'g', '--expires', '1h');
  const args = ['-n', 'green', 'content', 'ingest', 'r'];
  await using client = connect(suite.daemon.address, { namespace: 'green' });
  await client.services.leases.addResource('g', { type: 'content', id: digestOf('green') });
  expect(await ctr(suite.daemon.address, args, { input: 'green' })).toMatchObject({ code: 0 });
  const refused = await ctr(suite.daemon.address, ['namespaces', 'rm', 'green']);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/must be empty.*blobs/) });
  await c('namespaces', 'label', 'green', 'colour=');
  expect(await c('namespaces', 'ls')).toMatch(/^green\s+team=a\.b\/c\s*$/m);
  await green('leases', 'rm', '--sync', 'g');
  await c('namespaces', 'rm', 'green');
  expect(await c('namespaces', 'ls', '-q')).not.toContain('green');
});
