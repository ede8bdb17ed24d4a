import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect } from '@stowage/client';
import { DAMAGED_LABEL, writeBlob } from '@stowage/content';
import { damageFile } from '@stowage/content-conformance';
import { type Digest, digestOf, hexOf } from '@stowage/core';
import { ctr, mustCtr, type Program, run, startContainerd } from '@stowage/testing';
import { CLI, mustStowage, stowage } from '../cli.ts';
import { withDaemon } from '../suite.ts';

let containerd: (Program & { readonly address: string }) | undefined;
// Before the census, so before it is set up.
afterAll(async () => {
  await containerd?.[Symbol.asyncDispose]();
});

const suite = withDaemon('cli-content');
const s = (...args: string[]) => stowage(suite.daemon.address, ['content', ...args]);
const must = (...args: string[]) => mustStowage(suite.daemon.address, ['content', ...args]);
const lines = (text: string) => text.trimEnd().split('\n');

beforeAll(async () => {
  containerd = await startContainerd(join(suite.dir, 'containerd'));
}, 60_000);

/** Puts a blob where no collection takes it. */
async function put(
  bytes: Buffer | string,
  namespace = suite.namespace,
  address = suite.daemon.address,
): Promise<Digest> {
  await using client = connect(address, { namespace });
  const descriptor = { digest: digestOf(bytes), size: BigInt(bytes.length) };
  const labels = { 'containerd.io/gc.root': 'test' };
  await writeBlob(client.services.content, `put-${descriptor.digest}`, Buffer.from(bytes), descriptor, {
    labels,
  });
  return descriptor.digest;
}

function fileOf(digest: Digest): string {
  return join(suite.daemon.root, 'io.containerd.content.v1.content', 'blobs/sha256', hexOf(digest));
}

test('ls, cat, info and rm', async () => {
  const bytes = Buffer.from(Array.from({ length: 600_000 }, (_, i) => (i * 7919) & 255));
  const digest = await put(bytes);
  expect(await must('ls')).toMatch(new RegExp(`${digest} +600 kB +\\d+ seconds? ago\n`));
  expect(await must('ls', '-q', '-f', `digest==${digest}`)).toBe(`${digest}\n`);
  expect(await must('ls', '-q', '-f', 'labels.nobody')).toBe('');
  const info = JSON.parse(await must('info', digest)) as object;
  expect(info).toMatchObject({ digest, size: 600_000, labels: { 'containerd.io/gc.root': 'test' } });
  const file = join(suite.dir, 'cat');
  const script = '"$0" "$1" --address "$2" content cat "$3" > "$4"';
  const args = ['-c', script, process.execPath, CLI, suite.daemon.address, digest, file];
  expect(await run('sh', args)).toMatchObject({ code: 0, stderr: '' });
  expect((await readFile(file)).equals(bytes)).toBe(true);
  const absent = digestOf('absent');
  const removed = await s('rm', digest, absent);
  expect(removed).toMatchObject({ code: 1, stdout: `${digest}\n` });
  expect(lines(removed.stderr)).toEqual([
    expect.stringMatching(`stowage: content ${absent}: not found`),
    'stowage content ls lists them.',
  ]);
  expect(await must('ls', '-q', '-f', `digest==${digest}`)).toBe('');
});

test('cat ends quietly when its reader leaves', async () => {
  const digest = await put(Buffer.alloc(8_000_000, 'x'));
  const script = 'set -o pipefail; "$0" "$1" --address "$2" content cat "$3" | head -c 3; echo " $?"';
  const args = ['-c', script, process.execPath, CLI, suite.daemon.address, digest];
  expect(await run('bash', args)).toMatchObject({ code: 0, stdout: 'xxx 141\n', stderr: '' });
  await must('rm', digest);
});

test.each([
  { args: ['cat', 'sha256:abc'], says: /digest "sha256:abc" is not sha256/ },
  { args: ['info', digestOf('absent')], says: /content sha256:\w+: not found/ },
  { args: ['verify', digestOf('absent')], says: /content sha256:\w+: not found/ },
  { args: ['cat'], says: /missing required argument/ },
  { args: ['bogus'], says: /unknown command|too many arguments/ },
])('$args fails in a line or two', async ({ args, says }) => {
  const { code, stderr } = await s(...args);
  expect(code).toBe(1);
  expect(stderr).toMatch(says);
  expect(lines(stderr).length).toBeLessThanOrEqual(2);
});

test('what the disk did not keep is found, shown, not served, and repaired by writing it again', async () => {
  const [whole, flipped, gone] = [await put('whole'), await put('flipped'), await put('gone')];
  expect(await must('verify')).toMatch(/^\d+ blobs, \d+ B: whole\n$/);
  await damageFile(fileOf(flipped), 'flip');
  await damageFile(fileOf(gone), 'remove');
  expect(await must('verify', whole)).toBe('1 blob, 5 B: whole\n');

  const { code, stdout, stderr } = await s('verify');
  expect(code).toBe(1);
  expect(stdout).toMatch(new RegExp(`${flipped} +7 B +corrupt +${suite.namespace} +its 7 bytes hash to`));
  expect(stdout).toMatch(new RegExp(`${gone} +4 B +missing +${suite.namespace} +its bytes are gone`));
  expect(lines(stdout)).toHaveLength(3);
  expect(lines(stderr)).toEqual([
    expect.stringMatching(/^\w{12}: (corrupt|missing), /),
    expect.stringMatching(/^\w{12}: (corrupt|missing), /),
    expect.stringMatching(/^stowage: \d+ blobs, \d+ B: 2 not whole$/),
    'Pull their images again to repair them.',
  ]);
  expect(lines((await s('verify', '-q')).stderr)).toHaveLength(2);

  expect(await must('ls')).toMatch(new RegExp(`${flipped} .* damaged\n`));
  expect(await mustCtr(suite.daemon.address, ['content', 'ls'])).toMatch(
    new RegExp(`${flipped}.*${DAMAGED_LABEL}=`),
  );
  const get = await ctr(suite.daemon.address, ['content', 'get', flipped]);
  expect(get).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('pull or write it again'),
  });
  expect(await s('cat', gone)).toMatchObject({ code: 1, stdout: '' });

  await suite.daemon.stop('SIGKILL');
  await suite.daemon.start();
  expect((await s('verify')).code).toBe(1);
  for (const text of ['flipped', 'gone']) await put(text);
  expect(await must('verify')).toMatch(/: whole\n$/);
  expect(await must('cat', flipped)).toBe('flipped');
  await must('rm', whole, flipped, gone);
}, 60_000);

test('--all-namespaces reads what several have once', async () => {
  const digest = await put('shared', 'one');
  await put('shared', 'two');
  const own = await put('own', 'two');
  expect(await must('verify', '--all-namespaces')).toBe('2 blobs, 9 B: whole\n');
  expect(await must('verify', '-A', own)).toBe('1 blob, 3 B: whole\n');
  await damageFile(fileOf(digest), 'cut');
  const { code, stdout } = await s('verify', '-A');
  expect(code).toBe(1);
  expect(stdout).toMatch(new RegExp(`${digest} +6 B +corrupt +one,two `));
  for (const namespace of ['one', 'two'])
    await mustStowage(suite.daemon.address, ['-n', namespace, 'content', 'rm', digest]);
  await mustStowage(suite.daemon.address, ['-n', 'two', 'content', 'rm', own]);
});

test('containerd is read from here, with the same answer', async () => {
  const address = containerd?.address ?? '';
  const c = (...args: string[]) => stowage(address, ['content', ...args]);
  const [whole, flipped, gone] = [
    await put('whole', suite.namespace, address),
    await put('flipped', suite.namespace, address),
    await put('gone', suite.namespace, address),
  ];
  expect(await c('verify')).toMatchObject({ code: 0, stdout: '3 blobs, 16 B: whole\n' });
  const file = (digest: Digest) =>
    join(suite.dir, 'containerd/root/io.containerd.content.v1.content/blobs/sha256', hexOf(digest));
  await damageFile(file(flipped), 'flip');
  await damageFile(file(gone), 'remove');
  const { code, stdout } = await c('verify');
  expect(code).toBe(1);
  expect(stdout).toMatch(new RegExp(`${flipped} +7 B +corrupt +${suite.namespace} +its bytes hash to`));
  expect(stdout).toMatch(new RegExp(`${gone} +4 B +missing +${suite.namespace} `));
  expect(stdout).not.toContain(whole);
  expect(await c('cat', flipped)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('use none of them'),
  });
  expect(await c('cat', whole)).toMatchObject({ code: 0, stdout: 'whole' });
}, 60_000);

test('--help of each teaches by example', async () => {
  for (const name of ['ls', 'cat', 'info', 'rm', 'verify'])
    expect(await must(name, '--help')).toMatch(new RegExp(`Examples:\n.*stowage content ${name}`));
});
