import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Client, connect } from '@stowage/client';
import { type Digest, Digester } from '@stowage/core';
import { LoopDelayProbe, type Percentiles, peakResidentBytes, residentBytes } from '@stowage/testing';
import { withDaemon } from '../suite.ts';

const MIB = 1024 * 1024;
const LONG = process.env.STOWAGE_LONG === '1';
const SIZE = (LONG ? 4096 : 256) * MIB;
const TIMEOUT_MS = LONG ? 600_000 : 120_000;

let probe: LoopDelayProbe;
const suite = withDaemon('large-blobs', {
  quiet: true,
  get env() {
    probe = new LoopDelayProbe(suite.dir);
    return probe.env;
  },
});
let client: Client;
beforeAll(() => {
  client = connect(suite.daemon.address, { namespace: suite.namespace });
});
afterAll(() => client[Symbol.asyncDispose]());

/** Bytes that never repeat, made as they are wanted. */
function* generated(size: number, seed: number): Generator<Buffer> {
  const chunk = Buffer.alloc(MIB, seed);
  for (let at = 0; at < size; at += chunk.length) {
    chunk.writeDoubleLE(at, 0);
    yield chunk.subarray(0, Math.min(chunk.length, size - at));
  }
}

async function write(size: number, seed: number): Promise<Digest> {
  const digester = new Digester();
  await using writer = await client.services.content.writer({ ref: `large ${seed}`, total: BigInt(size) });
  for (const chunk of generated(size, seed)) {
    digester.update(chunk);
    await writer.write(chunk);
  }
  const expected = digester.digest();
  await writer.commit({ expected, labels: { 'containerd.io/gc.root': 'test' } });
  return expected;
}

async function read(digest: Digest, size: number): Promise<void> {
  const digester = new Digester();
  for await (const chunk of client.services.content.read(digest)) digester.update(chunk);
  expect([digester.digest(), digester.sizeBytes]).toEqual([digest, BigInt(size)]);
}

test(
  `a blob of ${SIZE / MIB} MiB goes through the daemon in less than 64 MiB of its memory`,
  async () => {
    const { pid } = suite.daemon;
    // What the first blob brings with it, such as compiled code, is no matter of size.
    await read(await write(64 * MIB, 1), 64 * MIB);
    const before = await residentBytes(pid);
    let digest: Digest | undefined;
    const writing = await peakResidentBytes(pid, async () => {
      digest = await write(SIZE, 2);
    });
    const reading = await peakResidentBytes(pid, () => read(digest as Digest, SIZE));
    const verifying = await peakResidentBytes(pid, async () => {
      for await (const _ of client.services.verifier.verify([digest as Digest]));
    });
    const added = [writing, reading, verifying].map((peak) => Math.round((peak - before) / MIB));
    console.log(
      `added MiB, writing, reading, verifying: ${added.join(', ')}; before: ${Math.round(before / MIB)}`,
    );
    for (const mib of added) expect(mib).toBeLessThan(64);
    await client.services.content.delete(digest as Digest);
  },
  TIMEOUT_MS,
);

test(
  'the event loop of the daemon is never held up while two blobs are written and two are read',
  async () => {
    const { pid } = suite.daemon;
    const size = SIZE / 4;
    const there = await Promise.all([write(size, 3), write(size, 4)]);
    await probe.read(pid);
    const digests = await Promise.all([
      write(size, 5),
      write(size, 6),
      ...there.map(async (digest) => {
        await read(digest, size);
        return digest;
      }),
    ]);
    const { late, busy } = await probe.read(pid);
    const told = ({ p50, p99, max }: Percentiles) => [p50, p99, max].map((ms) => ms.toFixed(1)).join(', ');
    console.log(`event loop, ms (p50, p99, max): late ${told(late)}; of it busy ${told(busy)}`);
    // Of the daemon's own doing. How late it is besides, others decide who run on this machine.
    expect(busy.p99).toBeLessThan(50);
    for (const digest of digests) await client.services.content.delete(digest);
  },
  TIMEOUT_MS,
);
