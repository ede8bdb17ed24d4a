import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Digest, Fault, reasonOf } from '@stowage/core';
import { withArgs, withTty } from '@stowage/oci-spec';
import type { ContainerProcess } from '@stowage/tasks';
import { end, must, residentBytes, until } from '@stowage/testing';
import type { Rng } from '../rng.ts';
import { wholeLife } from '../tasks/life.ts';
import { runtimeMissing } from '../tasks/missing.ts';
import { stopped } from '../tasks/processes.ts';
import { Pulse } from '../tasks/pulse.ts';
import { LIFE } from '../tasks/runc-script.ts';
import { Servant } from '../tasks/servant.ts';
import { SlowPeers } from '../tasks/slow-peers.ts';
import { Yard } from '../tasks/yard.ts';
import type { Nemesis } from './nemesis.ts';

const MIB = 1024 ** 2;
const ANSWERED_MS = 1000;
const STATE_MS = 2000;
const RECOVERED_MS = 5000;
const PER_PEER_BYTES = 16 * MIB;
const PEERS = 4;
const BLOB_BYTES = 32 * MIB;
const FLOOD = 700;
/** All of them together are more than a daemon keeps for a subscriber that takes none (16 MiB). */
const EVENT_BYTES = 32 * 1024;
const OUTPUT_BYTES = 4 * MIB;

const SCENES = { peers, 'no reader': noReader, 'stopped reader': stoppedReader, runc, supervisor } as const;
const NAMES = Object.keys(SCENES) as Array<keyof typeof SCENES>;

/**
 * Somebody does not go on: subscribers and readers that are stopped, output that nobody reads, a runc, the supervisor. All
 * others are answered as ever, memory stays within bounds, and who goes on again gets what is his.
 */
export const slow: Nemesis = {
  name: 'slow',
  rounds: { short: 5, ci: 15, long: 60 },
  missing: runtimeMissing,
  async play(stage) {
    await using yard = await Yard.open(await stage.place());
    const digest = await blob(yard);
    await flood(yard);
    for (let round = 0; stage.more(); round++) {
      const name = NAMES[round % NAMES.length] ?? 'peers';
      await stage.round(yard, async () => {
        yard.count(name);
        await SCENES[name](yard, `c${yard.next()}`, { digest, rng: stage.rng });
        await yard.clear();
      });
    }
  },
};

interface Props {
  readonly digest: Digest;
  readonly rng: Rng;
}

/** What others see while `work` goes on. */
async function meanwhile(yard: Yard, what: string, work: () => Promise<unknown>): Promise<void> {
  const pulse = new Pulse(yard.client);
  try {
    await work();
  } finally {
    const { p99Ms, asked, failures } = await pulse.taken();
    yard.did(asked - failures.length);
    for (const failure of failures) yard.report('refused', `${what}: ${failure}`);
    yard.mustTake('othersP99Ms', `99 of 100 answers to others, ${what}`, p99Ms, ANSWERED_MS);
  }
}

async function peers(yard: Yard, id: string, { digest }: Props): Promise<void> {
  const before = await residentBytes(yard.daemon.pid);
  await using slow = await SlowPeers.stopped(yard, digest, PEERS);
  await meanwhile(yard, 'subscribers and readers stopped', async () => {
    await flood(yard);
    await wholeLife(yard, id);
  });
  const perPeer = ((await residentBytes(yard.daemon.pid)) - before) / (2 * PEERS);
  yard.measure('perPeerMiB', perPeer / MIB);
  if (perPeer > PER_PEER_BYTES)
    yard.report('refused', `each slow peer costs ${Math.round(perPeer / MIB)} MiB, must be 16`);
  await yard.client.services.events.publish(yard.namespace, '/flood/last', event(0));
  const ended = await slow.goOn();
  for (const bytes of ended.bytes)
    if (bytes !== BLOB_BYTES) yard.report('lost', `a reader got ${bytes} bytes of ${BLOB_BYTES}`);
  for (const { events, end: how } of ended.subscribers)
    if (how !== 'resource_exhausted' && !(how === 'last' && events === FLOOD))
      yard.report(
        'lost',
        `a subscriber ended with ${how} after ${events} events, and was not told that it missed some`,
      );
}

/** Its container waits, and nobody else; who reads in the end gets all. */
async function noReader(yard: Yard, id: string, { rng }: Props): Promise<void> {
  const fifo = await written(yard, id, rng.chance(0.3));
  await meanwhile(yard, 'output without a reader', async () => {
    await wholeLife(yard, `${id}-other`);
    await sleep(300);
  });
  const reader = spawn('cat', [fifo], { stdio: ['ignore', 'pipe', 'inherit'] });
  await readToTheEnd(yard, id, reader);
}

async function stoppedReader(yard: Yard, id: string, { rng }: Props): Promise<void> {
  const fifo = await written(yard, id, rng.chance(0.3));
  const reader = spawn('cat', [fifo], { stdio: ['ignore', 'pipe', 'inherit'] });
  reader.kill('SIGSTOP');
  await stopped(Number(reader.pid));
  await meanwhile(yard, 'reader of output stopped', async () => {
    await wholeLife(yard, `${id}-other`);
    await sleep(300);
  });
  reader.kill('SIGCONT');
  await readToTheEnd(yard, id, reader);
}

/** A container that writes more than a pipe holds. @returns the FIFO that it writes to. */
async function written(yard: Yard, id: string, terminal: boolean): Promise<string> {
  const fifo = join(yard.dir, `${id}-out`);
  await must('mkfifo', [fifo]);
  const write = `dd if=/dev/zero bs=64k count=${OUTPUT_BYTES / 65_536} 2>/dev/null`;
  const script = withArgs('/bin/sh', '-c', terminal ? `stty raw; ${write}` : write);
  await yard.container(id, script, ...(terminal ? [withTty()] : []));
  const rootfs = await yard.client.services.snapshotter('overlayfs').mounts(id);
  const { tasks } = yard.client.services;
  await tasks.create({ containerId: id, rootfs, stdin: '', stdout: fifo, stderr: '', terminal });
  await tasks.start({ containerId: id });
  yard.did(3);
  return fifo;
}

async function readToTheEnd(yard: Yard, id: string, reader: ReturnType<typeof spawn>): Promise<void> {
  let bytes = 0;
  reader.stdout?.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  try {
    const { exitStatus } = await yard.client.services.tasks.wait({ containerId: id });
    if (exitStatus !== 0) yard.report('lie', `${id} exited with ${exitStatus}, must be 0`);
    await until(`${id} to be read to its end`, () => bytes >= OUTPUT_BYTES);
  } catch (e) {
    yard.report('lost', `${bytes} bytes of ${OUTPUT_BYTES} were read of ${id}: ${reasonOf(e)}`);
  }
  await end(reader);
}

async function runc(yard: Yard, id: string, { rng }: Props): Promise<void> {
  const verb = rng.pick(LIFE) ?? 'create';
  await yard.runc.order(verb, id, 'stop');
  const life = wholeLife(yard, id);
  life.catch(() => undefined);
  const pid = await yard.runc.follower(verb, id);
  await stopped(pid);
  await meanwhile(yard, `runc ${verb} stopped`, () => wholeLife(yard, `${id}-other`));
  process.kill(pid, 'SIGCONT');
  await life;
}

/** What the daemon knows is told; what only the supervisor knows is given up after two seconds. */
async function supervisor(yard: Yard, id: string): Promise<void> {
  await using servant = await Servant.run(yard, id);
  const { tasks } = yard.client.services;
  const pid = await yard.supervisor();
  const before = await residentBytes(yard.daemon.pid);
  process.kill(pid, 'SIGSTOP');
  try {
    await stopped(pid);
    await meanwhile(yard, 'supervisor stopped', async () => {
      await servant.say('hello');
      const { status } = await tasks.get({ containerId: id });
      if (status !== 'running') yard.report('lie', `${id} is ${status} while the supervisor is stopped`);
      await Promise.all([stateGivenUp(yard, { containerId: id, execId: 'none' }), metricsGivenUp(yard)]);
    });
    const grown = (await residentBytes(yard.daemon.pid)) - before;
    if (grown > PER_PEER_BYTES) yard.report('refused', `the daemon grew by ${Math.round(grown / MIB)} MiB`);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  const goesOn = performance.now();
  await wholeLife(yard, `${id}-after`);
  yard.mustTake('recoveredMs', 'a life after SIGCONT', performance.now() - goesOn, RECOVERED_MS);
}

/** Only the supervisor knows the streams of an exec. */
async function stateGivenUp(yard: Yard, exec: ContainerProcess): Promise<void> {
  const began = performance.now();
  const kind = await yard.client.services.tasks.get(exec).then(
    () => 'answered',
    (e: unknown) => (Fault.is(e) ? e.kind : reasonOf(e)),
  );
  if (kind !== 'deadline_exceeded') yard.report('lie', `the state of an exec nobody can tell: ${kind}`);
  const tookMs = performance.now() - began;
  yard.mustTake('stateGivenUpMs', 'the state of an exec is given up', tookMs, STATE_MS + ANSWERED_MS);
}

async function metricsGivenUp(yard: Yard): Promise<void> {
  const began = performance.now();
  await Array.fromAsync(yard.client.services.tasks.metrics());
  const tookMs = performance.now() - began;
  yard.mustTake('metricsGivenUpMs', 'metrics are given up', tookMs, STATE_MS + ANSWERED_MS);
}

async function blob(yard: Yard): Promise<Digest> {
  const bytes = randomBytes(BLOB_BYTES);
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;
  const { content } = yard.client.services;
  await using writer = await content.writer({ ref: 'slow' });
  for (let at = 0; at < bytes.length; at += MIB) await writer.write(bytes.subarray(at, at + MIB));
  await writer.commit({ labels: { 'containerd.io/gc.root': 'slow' } });
  return digest;
}

/** More events than a daemon keeps for a subscriber that does not take them. */
async function flood(yard: Yard): Promise<void> {
  const { events } = yard.client.services;
  for (let n = 0; n < FLOOD; n += 50)
    await Promise.all(
      Array.from({ length: 50 }, () => events.publish(yard.namespace, '/flood/one', event(EVENT_BYTES))),
    );
  yard.did(FLOOD);
}

function event(sizeBytes: number) {
  return { typeUrl: 'example.org/flood', value: new Uint8Array(sizeBytes) };
}
