import { createHash, randomFillSync } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { must } from '@stowage/testing';
import { compare } from '../compare.ts';
import type { Row } from '../figures.ts';
import { type Peer, startBoth } from '../peers.ts';
import type { StorageOptions } from '../storage.ts';
import { collectGarbage, connectTo } from './fill.ts';

const MEGABYTES = 512;

/** One large blob through `ctr`, in and out. */
export async function blobs({ dir, rounds }: StorageOptions): Promise<Row[]> {
  await mkdir(dir, { recursive: true });
  const file = join(dir, 'random');
  const digest = await writeRandom(file);
  await using both = await startBoth(dir);
  const { peers } = both;
  const put = (peer: Peer) => shell(peer, `content ingest --expected-digest ${digest} random < ${file}`);
  const remove = async (peer: Peer) => {
    await peer.ctr('content', 'rm', digest);
    using client = await connectTo(peer);
    await collectGarbage(client);
    await must('sync', []);
  };
  const putting = await compare({
    what: `ctr content ingest, ${MEGABYTES} MB`,
    peers,
    rounds,
    aim: 1,
    cpu: true,
    work: put,
    after: remove,
  });
  for (const peer of peers) await put(peer);
  const getting = await compare({
    what: `ctr content get, ${MEGABYTES} MB`,
    peers,
    rounds,
    aim: 1,
    cpu: true,
    work: (peer) => shell(peer, `content get ${digest} > /dev/null`),
  });
  return [...putting, ...getting];
}

/** Streams of such length are `ctr`'s own; to pass them on would be work of ours. */
function shell(peer: Peer, command: string): Promise<string> {
  return must('sh', ['-c', `exec ctr --address ${peer.address} ${command}`], { timeoutMs: 300_000 });
}

async function writeRandom(path: string): Promise<string> {
  await using file = await open(path, 'w');
  const hash = createHash('sha256');
  const chunk = Buffer.alloc(1_000_000);
  for (let i = 0; i < MEGABYTES; i++) {
    hash.update(randomFillSync(chunk));
    await file.write(chunk);
  }
  return `sha256:${hash.digest('hex')}`;
}
