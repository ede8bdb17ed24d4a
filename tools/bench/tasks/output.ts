import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Client } from '@stowage/client';
import { withArgs } from '@stowage/oci-spec';
import { must } from '@stowage/testing';
import { compare } from '../compare.ts';
import type { Row } from '../figures.ts';
import { DEMO, openHouse } from '../house.ts';
import type { TasksOptions } from '../tasks.ts';

const MIB = 1024;

/** What a container prints, to a reader of its FIFO that throws it away. */
export async function output({ dir, rounds }: TasksOptions): Promise<Row[]> {
  await using house = await openHouse(dir);
  return await compare({
    what: `${MIB} MiB through stdout to a reader`,
    peers: house.peers,
    rounds,
    aim: 0.5,
    work: (peer, round) =>
      printMuch(house.client(peer), `print-${round + 1}`, join(dir, `fifo-${peer.name}`)),
  });
}

async function printMuch(client: Client, id: string, fifo: string): Promise<void> {
  await must('mkfifo', [fifo]);
  const image = await client.image(DEMO);
  const dd = ['/bin/dd', 'if=/dev/zero', 'bs=64k', `count=${MIB * 16}`];
  await using container = await client.createContainer({ id, image, spec: [withArgs(...dd)] });
  const { snapshotter, snapshotKey } = await container.info();
  const rootfs = await client.services.snapshotter(snapshotter).mounts(snapshotKey);
  const { tasks } = client.services;
  // Counts in C, since a reader in JavaScript would be all that is measured.
  const reader = spawn('/usr/bin/wc', ['-c', fifo], { stdio: ['ignore', 'pipe', 'inherit'] });
  const counted = text(reader.stdout);
  // containerd takes no empty stderr beside a stdout.
  const stdio = { stdin: '', stdout: fifo, stderr: '/dev/null', terminal: false };
  await tasks.create({ containerId: id, rootfs, ...stdio });
  const exit = tasks.wait({ containerId: id });
  await tasks.start({ containerId: id });
  await exit;
  const bytes = Number.parseInt(await counted, 10);
  await tasks.delete(id);
  await rm(fifo);
  if (bytes !== MIB * 1024 * 1024) throw new Error(`${bytes} bytes arrived of ${MIB} MiB`);
}
