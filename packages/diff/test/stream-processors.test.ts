import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { fromBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { writeBlob } from '@stowage/content';
import { LocalContentStore } from '@stowage/content-store';
import { type Descriptor, digestOf, MEDIA_TYPE } from '@stowage/core';
import { type StreamProcessor, walkingDiffer } from '../src/walking.ts';
import { file, tar } from './tar-writer.ts';
import { Workspace } from './workspace.ts';

const SECRET = 'application/secret';
const WRAPPED = 'application/wrapped';

let at: Workspace;
let content: LocalContentStore;
beforeAll(async () => {
  at = await Workspace.open();
  content = await LocalContentStore.open(await at.directory('content'));
});
afterAll(async () => {
  await at[Symbol.asyncDispose]();
});

const archive = tar(file('hello', 'world'));
/** As `tr` with two alphabets in turn does, both ways. */
const flip = (bytes: Uint8Array): Buffer => Buffer.from(bytes.map((byte) => byte ^ 0x20));

async function blob(bytes: Uint8Array, mediaType: string): Promise<Descriptor> {
  const descriptor = { mediaType, digest: digestOf(bytes), size: BigInt(bytes.length) };
  await writeBlob(content, `test-${descriptor.digest}`, bytes, descriptor);
  return descriptor;
}

const shell = (id: string, accepts: string, returns: string, script: string): StreamProcessor => ({
  id,
  accepts: [accepts],
  returns,
  path: '/bin/sh',
  args: ['-c', script, 'sh', at.root],
  env: { NAME: id },
});

/** Undoes `flip`. */
const unflip = `${process.execPath} -e 'process.stdin.on("data", (b) => process.stdout.write(b.map((x) => x ^ 0x20)))'`;

const differ = (...processors: StreamProcessor[]) => walkingDiffer(content, at.unpacker, { processors });

test('a chain of processors makes a layer of what is none, each told its media type and payload', async () => {
  const told = (id: string) => `env > "$1/${id}.env"; cat <&3 > "$1/${id}.payload";`;
  const outer = shell('outer', SECRET, WRAPPED, `${told('outer')} ${unflip}`);
  const inner = shell('inner', WRAPPED, MEDIA_TYPE.ociLayerGzip, `env > "$1/inner.env"; gzip -dc`);
  const layer = await blob(flip(gzipSync(gzipSync(archive))), SECRET);
  const { path, mounts } = await at.bind();
  const value = Buffer.alloc(300, 7);
  const payloads = { outer: { typeUrl: 'some.Keys', value }, other: { typeUrl: 'x', value } };
  process.env.STOWAGE_TEST_SECRET = 'of the daemon';
  const applied = await differ(inner, outer).apply(layer, mounts, { payloads });
  delete process.env.STOWAGE_TEST_SECRET;

  expect(applied).toEqual({
    mediaType: MEDIA_TYPE.ociLayer,
    digest: digestOf(archive),
    size: BigInt(archive.length),
  });
  expect(await readFile(join(path, 'hello'), 'utf8')).toBe('world');
  const any = fromBinary(AnySchema, await readFile(join(at.root, 'outer.payload')));
  expect([any.typeUrl, Buffer.from(any.value)]).toEqual(['some.Keys', value]);
  for (const [id, type] of [
    ['outer', SECRET],
    ['inner', WRAPPED],
  ] as const) {
    const env = await readFile(join(at.root, `${id}.env`), 'utf8');
    expect(env).toContain(`STREAM_PROCESSOR_MEDIATYPE=${type}\n`);
    expect(env).toContain(`NAME=${id}\n`);
    expect(env).not.toContain('STOWAGE_TEST_SECRET');
  }
});

test('a processor for a known type is used, the last one that accepts it, and only once', async () => {
  const wrong = shell('wrong', MEDIA_TYPE.ociLayer, MEDIA_TYPE.ociLayer, 'exit 3');
  const right = shell('right', MEDIA_TYPE.ociLayer, MEDIA_TYPE.ociLayer, unflip);
  const { path, mounts } = await at.bind();
  await differ(wrong, right).apply(await blob(flip(archive), MEDIA_TYPE.ociLayer), mounts);
  expect(await readFile(join(path, 'hello'), 'utf8')).toBe('world');
});

test('what fails is told', async () => {
  const { mounts } = await at.bind();
  const layer = await blob(flip(archive), SECRET);
  const apply = (...processors: StreamProcessor[]) => differ(...processors).apply(layer, mounts);
  await expect(apply()).rejects.toMatchObject({ kind: 'unimplemented' });
  await expect(apply(shell('p', SECRET, 'application/other', 'cat'))).rejects.toMatchObject({
    kind: 'unimplemented',
    message: expect.stringContaining('application/other'),
  });
  await expect(
    apply(shell('p', SECRET, WRAPPED, 'cat'), shell('q', WRAPPED, SECRET, 'cat')),
  ).rejects.toMatchObject({ kind: 'failed_precondition', message: expect.stringContaining('circles') });
  const refuses = shell('p', SECRET, MEDIA_TYPE.ociLayer, 'echo no key fits >&2; exit 1');
  await expect(apply(refuses)).rejects.toMatchObject({
    kind: 'invalid_argument',
    message: expect.stringMatching(/stream processor p.*no key fits/),
  });
  // The first of a chain fails: the second only sees the end of its input.
  const second = shell('q', WRAPPED, MEDIA_TYPE.ociLayer, 'cat');
  await expect(apply({ ...refuses, returns: WRAPPED }, second)).rejects.toMatchObject({
    message: expect.stringContaining('no key fits'),
  });
  await expect(apply({ ...refuses, path: '/nowhere/program' })).rejects.toMatchObject({
    kind: 'internal',
    message: expect.stringContaining('/nowhere/program'),
  });
});

test('a processor is killed when the call is given up', async () => {
  const { mounts } = await at.bind();
  const pidFile = join(at.root, 'pid');
  await writeFile(pidFile, '');
  const hangs = shell('p', SECRET, MEDIA_TYPE.ociLayer, `echo $$ > "$1/pid"; exec sleep 600`);
  const stop = new AbortController();
  const layer = await blob(flip(archive), SECRET);
  const applied = differ(hangs).apply(layer, mounts, { signal: stop.signal });
  const ended = expect(applied).rejects.toThrow('enough');
  let pid = 0;
  for (; pid === 0; await delay(20)) pid = Number(await readFile(pidFile, 'utf8'));
  stop.abort(new Error('enough'));
  await ended;
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
}, 60_000);
