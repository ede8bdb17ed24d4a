import { Code, ConnectError } from '@connectrpc/connect';
import { expect, test } from '@jest/globals';
import { WriteAction } from '@stowage/api/content/v1';
import { type Digest, digestOf } from '@stowage/core';
import fc from 'fast-check';
import { served, writeStream } from './fixture.ts';

/** What content.v1 promises of refs and offsets, in a few lines: the real one must answer alike. */
class Model {
  readonly blobs = new Set<Digest>();
  readonly ingests = new Map<string, { bytes: string; total: bigint }>();
  readonly open = new Map<string, { total: bigint }>();

  /** The first message of a stream. */
  begin(ref: string, total: bigint): Code | undefined {
    if (this.open.has(ref)) return Code.Unavailable;
    const left = this.ingests.get(ref);
    const restart = left === undefined || (total > 0n && left.total > 0n && left.total !== total);
    this.ingests.set(ref, restart ? { bytes: '', total } : { ...left, total: total || left.total });
    this.open.set(ref, { total });
    return undefined;
  }

  append(ref: string, offset: number, data: string): Code | undefined {
    const ingest = this.#of(ref);
    if (offset > 0 && offset !== ingest.bytes.length) return this.#end(ref, Code.OutOfRange);
    ingest.bytes = (offset === 0 ? '' : ingest.bytes) + data;
    return undefined;
  }

  commit(ref: string, total: bigint, expected: string): Code | undefined {
    const { bytes } = this.#of(ref);
    const digest = digestOf(bytes);
    const size = total || (this.open.get(ref)?.total ?? 0n);
    if (expected !== '' && this.blobs.has(expected as Digest)) {
      this.ingests.delete(ref);
      return this.#end(ref, Code.AlreadyExists);
    }
    if (size > 0n && size !== BigInt(bytes.length)) return this.#end(ref, Code.FailedPrecondition);
    if (expected !== '' && expected !== digest) return this.#end(ref, Code.FailedPrecondition);
    this.ingests.delete(ref);
    if (this.blobs.has(digest)) return this.#end(ref, Code.AlreadyExists);
    this.blobs.add(digest);
    return this.#end(ref, undefined);
  }

  #of(ref: string) {
    return this.ingests.get(ref) ?? { bytes: '', total: 0n };
  }

  #end(ref: string, code: Code | undefined): Code | undefined {
    this.open.delete(ref);
    return code;
  }
}

const ref = fc.constantFrom('a', 'b');
const text = fc.constantFrom('', 'x', 'y', 'xy');
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('begin'), ref, total: fc.constantFrom(0n, 2n, 3n) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('write'),
      ref,
      data: text,
      at: fc.constantFrom('end', 'end', 'start', 'gap'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('commit'),
      ref,
      size: fc.constantFrom('any', 'right', 'wrong'),
      digest: fc.constantFrom('any', 'right', 'wrong'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('end'), ref }) },
);
type Step = {
  do: string;
  ref: string;
  total?: bigint;
  data?: string;
  at?: string;
  size?: string;
  digest?: string;
};

async function codeOf(work: Promise<unknown>): Promise<Code | undefined> {
  try {
    await work;
    return undefined;
  } catch (e) {
    return ConnectError.from(e).code;
  }
}

test('Write answers as the model does, and leaves the same behind', async () => {
  const run = async (steps: Step[]) => {
    await using at = await served();
    const model = new Model();
    const streams = new Map<string, ReturnType<typeof writeStream>>();
    for (const { do: what, ref, total = 0n, data = '', at: where, size, digest } of steps) {
      const stream = streams.get(ref);
      const bytes = model.ingests.get(ref)?.bytes ?? '';
      if (what === 'begin') {
        const next = writeStream(at.rpc);
        const code = model.begin(ref, total);
        expect(await codeOf(next.send({ action: WriteAction.STAT, ref, total }))).toBe(code);
        if (code === undefined) streams.set(ref, next);
      } else if (stream !== undefined && what === 'write') {
        const offset = where === 'end' ? bytes.length : where === 'start' ? 0 : bytes.length + 1;
        const code = model.append(ref, offset, data);
        const request = { action: WriteAction.WRITE, offset: BigInt(offset), data: Buffer.from(data) };
        expect(await codeOf(stream.send(request))).toBe(code);
        if (code !== undefined) streams.delete(ref);
      } else if (stream !== undefined && what === 'commit') {
        const wanted = size === 'any' ? 0n : BigInt(bytes.length + (size === 'right' ? 0 : 1));
        const expected = digest === 'any' ? '' : digestOf(digest === 'right' ? bytes : 'nothing like it');
        const code = model.commit(ref, wanted, expected);
        const offset = BigInt(bytes.length);
        expect(
          await codeOf(stream.send({ action: WriteAction.COMMIT, offset, total: wanted, expected })),
        ).toBe(code);
        await stream.end().catch(() => {});
        streams.delete(ref);
      } else if (stream !== undefined) {
        await stream.end();
        streams.delete(ref);
        model.open.delete(ref);
      }
      const { statuses } = await at.rpc.listStatuses({});
      expect(new Map(statuses.map((s) => [s.ref, s.offset]))).toEqual(
        new Map([...model.ingests].map(([name, { bytes }]) => [name, BigInt(bytes.length)])),
      );
    }
    const blobs = new Set<string>();
    for await (const { info } of at.rpc.list({})) for (const { digest } of info) blobs.add(digest);
    expect(blobs).toEqual(model.blobs);
    for (const [name, { bytes }] of model.ingests) {
      for (const stream of streams.values()) await stream.end();
      streams.clear();
      const { digest } = await writeStream(at.rpc).send({ action: WriteAction.STAT, ref: name });
      expect(digest).toBe(digestOf(bytes));
    }
  };
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 25 }), run), { numRuns: 60 });
});
