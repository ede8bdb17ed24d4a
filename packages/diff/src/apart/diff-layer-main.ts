import { writeSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { Fault, reasonOf } from '@stowage/core';
import { Packer } from '../packer.ts';
import { Unpacker } from '../unpacker.ts';
import { type LayerJob, type LayerOutcome, OUTCOME_FD } from './messages.ts';

class NotPlain extends Error {}

process.exitCode = 1;
const outcome = await run(JSON.parse(process.argv[2] ?? '') as LayerJob).catch(failed);
writeSync(OUTCOME_FD, `${JSON.stringify(outcome)}\n`);
process.exit(0);

function run(job: LayerJob): Promise<LayerOutcome> {
  return job.do === 'unpack' ? unpack(job) : pack(job);
}

async function unpack({ jail, mounts, syncFs }: LayerJob & { do: 'unpack' }): Promise<LayerOutcome> {
  await using unpacker = await Unpacker.open({ jail, concurrency: 1 });
  const { digest, sizeBytes, needsBelow } = await unpacker.unpack(mounts, () => process.stdin, { syncFs });
  return { status: 'done', digest, sizeBytes: String(sizeBytes), needsBelow };
}

async function pack(job: LayerJob & { do: 'pack' }): Promise<LayerOutcome> {
  const { directory, left, right, comparesAll } = job;
  const sourceDateEpoch = job.sourceDateEpoch === undefined ? undefined : new Date(job.sourceDateEpoch);
  await using packer = await Packer.open({ directory, concurrency: 1 });
  let archives = 0;
  const sink = async (bytes: AsyncIterable<Uint8Array>) => {
    // What went down a pipe can't be taken back.
    if (archives++ > 0) throw new NotPlain();
    await pipeline(bytes, process.stdout, { end: false });
  };
  const { digest, sizeBytes } = await packer.pack(left, right, sink, { sourceDateEpoch, comparesAll });
  await new Promise((resolve) => process.stdout.write('', resolve));
  return { status: 'done', digest, sizeBytes: String(sizeBytes), needsBelow: false };
}

function failed(e: unknown): LayerOutcome {
  if (e instanceof NotPlain) return { status: 'not-plain' };
  return { status: 'failed', kind: Fault.is(e) ? e.kind : undefined, message: reasonOf(e) };
}
