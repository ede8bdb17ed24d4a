import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect } from '@stowage/client';
import { unixTransport } from '@stowage/rpc/transport';
import { remoteStreams } from '@stowage/streaming/remote';
import {
  demoArchive,
  must,
  mustCtr,
  newestCtr,
  type Program,
  run,
  startRegistry,
  until,
} from '@stowage/testing';
import type { TransferProgress } from '@stowage/transfer';
import { remoteTransfers } from '@stowage/transfer/remote';
import { withDaemon } from '../suite.ts';

// Before the tests are named, so that those that can't run say why.
const newest = await newestCtr();
const byCtr = newest.missing === undefined ? test : test.skip;
const version = newest.missing ?? newest.version;

/** Of `correct horse`, by bcrypt. */
const ALICE = 'alice:$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2';

let registry: (Program & { readonly host: string }) | undefined;
let guarded: (Program & { readonly host: string }) | undefined;
// Before the census, so before it is set up.
afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  await guarded?.[Symbol.asyncDispose]();
});

const suite = withDaemon('transfer');
let archive = '';
const NAME = 'registry.example/demo:v1';
const address = () => suite.daemon.address;
const pushed = (name = 'demo:v1') => `${registry?.host}/${name}`;

beforeAll(async () => {
  registry = await startRegistry(join(suite.dir, 'registry'));
  guarded = await startRegistry(join(suite.dir, 'guarded'), [ALICE]);
  archive = await demoArchive(join(suite.dir, 'demo'), NAME);
}, 60_000);

/** The newest ctr, in a namespace of the test's own. */
const ctr = (namespace: string, ...args: string[]) =>
  must(newest.missing === undefined ? newest.path : '', ['--address', address(), '-n', namespace, ...args]);

const old = (namespace: string, ...args: string[]) => mustCtr(address(), ['-n', namespace, ...args]);

async function targets(namespace: string): Promise<Record<string, string>> {
  await using client = connect(address(), { namespace });
  const all: Record<string, string> = {};
  for await (const { name, target } of client.services.images.list()) all[name] = target.digest;
  return all;
}

async function remove(namespace: string): Promise<void> {
  const names = Object.keys(await targets(namespace));
  if (names.length > 0) await old(namespace, 'images', 'rm', '--sync', ...names);
}

byCtr(
  `ctr ${version} imports, tags, exports, pushes, and pulls what it pushed, by transfers`,
  async () => {
    const ns = 'ctr';
    await ctr(ns, 'images', 'import', archive);
    const { [NAME]: digest } = await targets(ns);
    expect(digest).toMatch(/^sha256:/);

    await ctr(ns, 'images', 'tag', NAME, pushed());
    expect(await targets(ns)).toEqual({ [NAME]: digest, [pushed()]: digest });

    const exported = join(suite.dir, 'exported.tar');
    await ctr(ns, 'images', 'export', exported, NAME);
    const names = (await must('tar', ['-tf', exported])).split('\n');
    expect(names).toContain(`blobs/${digest?.replace(':', '/')}`);
    expect(names).toContain('manifest.json');

    await ctr(ns, 'images', 'push', '--plain-http', pushed());
    await remove(ns);
    await ctr(ns, 'images', 'pull', '--plain-http', pushed());
    expect(await targets(ns)).toEqual({ [pushed()]: digest });
    // It was unpacked: an image that was not would have to be, before it runs.
    expect(await old(ns, 'images', 'check', '--quiet', `name==${pushed()}`)).toContain(pushed());
    const said = await ctr(ns, 'run', '--rm', pushed(), 'hello', '/bin/echo', 'hello');
    expect(said).toBe('hello\n');

    // Whoever brings it client-side sees the same.
    await old(ns, 'images', 'export', exported, pushed());
    await remove(ns);
    await old(ns, 'images', 'import', exported);
    expect(await targets(ns)).toEqual({ [pushed()]: digest });
    await remove(ns);
  },
  180_000,
);

byCtr(
  `ctr ${version} names what it imports by base name, digest and index`,
  async () => {
    const ns = 'names';
    const options = ['--base-name', 'registry.example/demo', '--digests', '--index-name', 'the/index:v1'];
    // Of named images ctr asks for digests with this flag, and for none without.
    await ctr(ns, 'images', 'import', '--no-unpack', '--skip-digest-for-named', ...options, archive);
    const { [NAME]: digest, ...others } = await targets(ns);
    expect(Object.keys(others).sort()).toEqual([`registry.example/demo@${digest}`, 'the/index:v1']);
    await remove(ns);
  },
  60_000,
);

byCtr(
  `ctr ${version} is told why a transfer fails`,
  async () => {
    const ns = 'failures';
    const fails = async (...args: string[]) => {
      const path = newest.missing === undefined ? newest.path : '';
      const { code, stderr } = await run(path, ['--address', address(), '-n', ns, ...args]);
      expect(code).not.toBe(0);
      return stderr;
    };
    expect(await fails('images', 'pull', '--plain-http', pushed('absent:v1'))).toContain('of this name');
    expect(await fails('images', 'push', '--plain-http', pushed('absent:v1'))).toContain('not found');
    expect(await fails('images', 'export', join(suite.dir, 'x.tar'), 'absent')).toContain('not found');
    const broken = join(suite.dir, 'broken.tar');
    await pipeline(createReadStream(archive), createWriteStream(broken));
    await truncate(broken, Math.floor((await stat(archive)).size / 2));
    expect(await fails('images', 'import', broken)).toContain('ends early');
    await writeFile(broken, 'this is no archive');
    await fails('images', 'import', broken);
    expect(await targets(ns)).toEqual({});
  },
  60_000,
);

byCtr(
  `ctr ${version} sees the requests that a pull makes`,
  async () => {
    const ns = 'log';
    await ctr(ns, 'images', 'import', '--no-unpack', archive);
    await ctr(ns, 'images', 'tag', NAME, pushed('log:v1'));
    await ctr(ns, 'images', 'push', '--plain-http', pushed('log:v1'));
    await remove(ns);
    const path = newest.missing === undefined ? newest.path : '';
    const { stderr, code } = await run(path, [
      ...[
        '--address',
        address(),
        '-n',
        ns,
        'images',
        'pull',
        '--plain-http',
        '--http-dump',
        pushed('log:v1'),
      ],
    ]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stderr).toContain('/v2/log/manifests/v1');
    await remove(ns);
  },
  60_000,
);

byCtr(
  `an import of ctr ${version} that is killed leaves nothing of the archive`,
  async () => {
    const ns = 'killed';
    const path = newest.missing === undefined ? newest.path : '';
    const child = spawn(path, ['--address', address(), '-n', ns, 'images', 'import', '-'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    child.stdin.on('error', () => undefined);
    child.stdin.write((await readFile(archive)).subarray(0, 300_000));
    await using client = connect(address(), { namespace: ns });
    const { content, leases } = client.services;
    const ingests = () => Array.fromAsync(content.statuses());
    await until('the import to begin', async () => (await ingests()).length === 1);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await until('the import to end', async () => (await ingests()).length === 0);
    // One is ctr's own, which nobody deletes now.
    const [lease, ...others] = await Array.fromAsync(leases.list());
    expect(others).toEqual([]);
    await leases.delete(lease?.id ?? '', { sync: true });
    expect(await Array.fromAsync(content.list())).toEqual([]);
  },
  60_000,
);

test('our own client moves an image through all kinds of transfers, and hears how', async () => {
  await using transport = unixTransport(address());
  const transfers = remoteTransfers(transport, { namespace: 'own' });
  const store = (name: string) => ({ kind: 'store' as const, name });
  const source = { kind: 'import' as const, bytes: createReadStream(archive) };
  const references = [{ name: 'import', isPrefix: true, allowOverwrite: true }];
  await transfers.transfer(source, { ...store(''), references, unpacks: [{}] });
  const at = { kind: 'registry' as const, reference: pushed('own:v1'), scheme: 'http' as const };
  const steps: TransferProgress[] = [];
  await transfers.transfer(store(NAME), at, { onProgress: (step) => void steps.push(step) });
  expect(steps.at(-1)).toMatchObject({ event: `Completed push to OCI Registry (${at.reference})` });
  const digest = (await targets('own'))[NAME];
  await remove('own');

  steps.length = 0;
  const pulled = { ...store('pulled'), unpacks: [{ snapshotter: 'overlayfs' }] };
  await transfers.transfer(at, pulled, { onProgress: (step) => void steps.push(step) });
  expect(await targets('own')).toEqual({ pulled: digest });
  const events = steps.map(({ event, name }) => (name === '' ? event.split(' ')[0] : event));
  expect(events[0]).toBe('Resolving');
  expect(events.slice(-2)).toEqual(['saved', 'Completed']);
  const layer = steps.filter(({ name }) => name.startsWith('layer-'));
  expect(layer[0]?.parents).toEqual([expect.stringMatching(/^manifest-sha256:/)]);
  expect(layer.at(-1)?.event).toBe('extracted');

  const copy = join(suite.dir, 'copy.tar');
  await transfers.transfer(store('pulled'), {
    kind: 'export',
    write: (bytes) => pipeline(bytes, createWriteStream(copy)),
  });
  expect((await stat(copy)).size).toBeGreaterThan(500_000);
  await remove('own');
}, 120_000);

byCtr(
  `ctr ${version} logs in at a registry that wants it, and is told where it can not`,
  async () => {
    const ns = 'login';
    const name = `${guarded?.host}/demo:v1`;
    await ctr(ns, 'images', 'import', '--no-unpack', archive);
    await ctr(ns, 'images', 'tag', NAME, name);
    const path = newest.missing === undefined ? newest.path : '';
    const push = (...user: string[]) =>
      run(path, ['--address', address(), '-n', ns, 'images', 'push', '--plain-http', ...user, name]);
    expect(await push()).toMatchObject({ code: 1, stderr: expect.stringContaining('401') });
    expect(await push('--user', 'alice:wrong')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('401'),
    });
    expect(await push('--user', 'alice:correct horse')).toMatchObject({ code: 0 });
    await remove(ns);
    await ctr(ns, 'images', 'pull', '--plain-http', '--user', 'alice:correct horse', name);
    expect(Object.keys(await targets(ns))).toEqual([name]);
    await remove(ns);
  },
  60_000,
);

test('a pair that nobody moves between is refused, naming both', async () => {
  await using transport = unixTransport(address());
  const transfers = remoteTransfers(transport, { namespace: 'own' });
  const other = { kind: 'other' as const, typeUrl: 'example.Thing', value: Uint8Array.of(1, 2) };
  await expect(transfers.transfer({ kind: 'store', name: 'x' }, other)).rejects.toMatchObject({
    kind: 'unimplemented',
    message: expect.stringMatching(/containerd\.types\.transfer\.ImageStore.*example\.Thing/),
  });
});

test('a stream that was not opened, or is in use, is no stream for a transfer', async () => {
  await using transport = unixTransport(address());
  const streams = remoteStreams(transport, { namespace: 'own' });
  await using _open = await streams.open('mine');
  const client = (body: object) =>
    must('curl', [
      ...['--silent', '--unix-socket', address(), '-H', 'content-type: application/json'],
      ...['-H', 'containerd-namespace: own', '-d', JSON.stringify(body)],
      'http://x/containerd.services.transfer.v1.Transfer/Transfer',
    ]);
  const type = 'type.googleapis.com/containerd.types.transfer.';
  const source = { '@type': `${type}ImageImportStream`, stream: 'absent' };
  const destination = { '@type': `${type}ImageStore`, name: 'x' };
  expect(await client({ source, destination })).toContain('"code":"not_found"');
  expect(
    await client({
      source: { ...source, stream: 'mine' },
      destination: { '@type': `${type}ImageExportStream`, stream: 'mine' },
    }),
  ).toContain('"code":"failed_precondition"');
});
