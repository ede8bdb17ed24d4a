import { spawnSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { cp, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { create, toBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { CheckpointOptionsSchema, OptionsSchema } from '@stowage/api/runc/v1';
import { packMessage } from '@stowage/rpc';
import { census, eventually, Workbench } from './fixtures/workbench.ts';

/** CRIU of Debian 12 (3.17) does not know how kernels since 6.13 lay out the vDSO; 4.2 does. */
const criu = process.env.STOWAGE_CRIU ?? 'criu';
const works = spawnSync(criu, ['check'], { timeout: 20_000 }).status === 0;
const onCriu = works ? test : test.skip;

let bench: Workbench;
beforeAll(async () => {
  bench = await Workbench.open();
  // Of tests: it would take iptables to keep the network still meanwhile.
  await writeFile(join(bench.directory, 'criu.conf'), 'network-lock skip\n');
});
afterAll(async () => {
  await using ending = bench;
  expect(ending.complaints).toEqual([]);
});

const path = Buffer.from(criu);
/** `criu_path`, which containerd 2 has no more. */
const field = criu.startsWith('/')
  ? Buffer.concat([Buffer.from([(8 << 3) | 2, path.length]), path])
  : Buffer.alloc(0);
const options = {
  typeUrl: OptionsSchema.typeName,
  value: Buffer.concat([toBinary(OptionsSchema, create(OptionsSchema, {})), field]),
};
const COUNT = 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done';

async function counter(id: string, stdout: string, checkpoint?: string): Promise<void> {
  const change = (spec: object) =>
    Object.assign(spec, { annotations: { 'org.criu.config': join(bench.directory, 'criu.conf') } });
  const more = { stdout, stderr: stdout, options, change, ...(checkpoint && { checkpoint }) };
  await bench.tasks.create(await bench.container(id, ['sh', '-c', COUNT], more));
}

/** What is counted, as it comes. */
function counted(fifo: string): number[] {
  const numbers: number[] = [];
  createInterface({ input: createReadStream(fifo) }).on('line', (line) => numbers.push(Number(line)));
  return numbers;
}

async function killed(id: string): Promise<void> {
  const exit = bench.tasks.wait({ id });
  await bench.tasks.kill({ id, signal: 9 });
  expect(await exit).toMatchObject({ exitStatus: 137 });
  await bench.tasks.delete({ id });
}

onCriu(
  'a process that counts goes on from its checkpoint, on the same FIFO, and leaves nothing',
  async () => {
    const before = await census(bench);
    const fifo = await bench.fifo('count');
    const numbers = counted(fifo);
    await counter('c', fifo);
    const exit = bench.tasks.wait({ id: 'c' });
    await bench.tasks.start({ id: 'c' });
    await eventually(() => numbers.length > 5);
    const images = join(bench.directory, 'images');
    const how = packMessage(CheckpointOptionsSchema, { exit: true });
    await bench.tasks.checkpoint({ id: 'c', path: images, options: how });
    expect(await exit).toMatchObject({ exitStatus: 137 });
    expect(await bench.tasks.state({ id: 'c' })).toMatchObject({ status: 'stopped' });
    await bench.tasks.delete({ id: 'c' });
    const last = numbers.at(-1) ?? 0;

    const more = counted(fifo);
    await counter('c', fifo, images);
    const { pid } = await bench.tasks.start({ id: 'c' });
    expect(await bench.tasks.state({ id: 'c' })).toMatchObject({ status: 'running', pid });
    expect((await bench.tasks.pids('c')).map((one) => one.pid)).toContain(pid);
    await eventually(() => more.length > 5);
    const all = [...numbers, ...more];
    expect(more[0]).toBeGreaterThanOrEqual(last);
    expect(all).toEqual(all.map((_, i) => i + 1));
    await killed('c');
    await eventually(async () => JSON.stringify(await census(bench)) === JSON.stringify(before));
  },
);

onCriu('one that is left running goes on, and its checkpoint later begins where it was', async () => {
  const fifo = await bench.fifo('on');
  const numbers = counted(fifo);
  await counter('on', fifo);
  await bench.tasks.start({ id: 'on' });
  await eventually(() => numbers.length > 3);
  const images = join(bench.directory, 'on-images');
  await bench.tasks.checkpoint({ id: 'on', path: images });
  const at = numbers.length;
  await eventually(() => numbers.length > at + 5);
  await killed('on');
  const again = counted(fifo);
  await counter('on', fifo, images);
  await bench.tasks.start({ id: 'on' });
  await eventually(() => again.length > 0);
  expect(again[0]).toBeLessThan(at + 5);
  expect(again[0]).toBeGreaterThan(1);
  await killed('on');
});

onCriu('a paused container is checkpointed, and stays paused', async () => {
  const fifo = await bench.fifo('paused');
  const numbers = counted(fifo);
  await counter('p', fifo);
  await bench.tasks.start({ id: 'p' });
  await eventually(() => numbers.length > 1);
  await bench.tasks.pause('p');
  await bench.tasks.checkpoint({ id: 'p', path: join(bench.directory, 'paused-images') });
  expect(await bench.tasks.state({ id: 'p' })).toMatchObject({ status: 'paused' });
  await bench.tasks.resume('p');
  const at = numbers.length;
  await eventually(() => numbers.length > at);
  await killed('p');
});

onCriu('images that are none fail with the words of CRIU, and leave a task that can be deleted', async () => {
  const images = join(bench.directory, 'on-images');
  const broken = join(bench.directory, 'broken');
  await cp(images, broken, { recursive: true });
  for (const name of await readdir(broken))
    if (/^pstree/.test(name)) await writeFile(join(broken, name), 'none');
  await counter('b', '', broken);
  await expect(bench.tasks.start({ id: 'b' })).rejects.toThrow(
    /^runc restore b: criu failed: .*; CRIU: .*Head magic/,
  );
  await bench.tasks.delete({ id: 'b' });
});
