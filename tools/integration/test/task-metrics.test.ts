import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DescMessage, Message } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MetricsSchema } from '@stowage/api/cgroups/v1';
import { unpackMessage } from '@stowage/rpc';
import type { TaskService } from '@stowage/runtime';
import { ShimRuntime } from '@stowage/runtime-shim';
import { eventually, Workbench } from '../../../packages/runtime-runc/test/fixtures/workbench.ts';

let bench: Workbench;
let shim: ShimRuntime;
let root: string;
beforeAll(async () => {
  bench = await Workbench.open();
  root = await mkdtemp(join(tmpdir(), 'metrics-'));
  shim = await ShimRuntime.open({ state: root, events: { forward: async () => {} } });
});
afterAll(async () => {
  await shim[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
});

/** Does all that is counted, for a while: computes, takes memory, writes and reads a file. */
const work = (id: string) =>
  `dd if=/dev/zero of=/f-${id} bs=1M count=4; cat /f-${id} >/dev/null; i=0; while [ $i -lt 5000 ]; do i=$((i+1)); done; echo >/done-${id}; sleep 1000; true`;

async function metricsOf(tasks: TaskService, id: string) {
  const request = await bench.container(id, ['sh', '-c', work(id)], {
    change: (spec) => {
      spec.linux.resources.memory = { limit: 64 * 1024 * 1024 };
      spec.linux.resources.pids = { limit: 100 };
      spec.linux.resources.cpu = { quota: 50_000, period: 100_000 };
    },
  });
  await tasks.create({ ...request, runtime: 'io.containerd.runc.v2' });
  await tasks.start({ id });
  const done = join(bench.directory, 'lower', `done-${id}`);
  await eventually(() => existsSync(done), 20_000);
  await eventually(async () => (await tasks.pids(id)).length === 2);
  const stats = await tasks.stats(id);
  const exit = tasks.wait({ id });
  await tasks.kill({ id, signal: 9 });
  await exit;
  await tasks.delete({ id });
  expect(stats.typeUrl).toMatch(/io\.containerd\.cgroups\.v1\.Metrics$/);
  return unpackMessage(MetricsSchema, stats);
}

/** Paths of all fields that hold something but nought, and of all messages. */
function fieldsOf(schema: DescMessage, message: Message, path = ''): string[] {
  return schema.fields.flatMap((field) => {
    const at = `${path}${field.name}`;
    const value = reflect(schema, message).get(field) as unknown;
    if (field.fieldKind === 'message') {
      const inner = (message as unknown as Record<string, Message | undefined>)[field.localName];
      return inner === undefined ? [] : [at, ...fieldsOf(field.message, inner, `${at}.`)];
    }
    if (field.fieldKind === 'list') {
      const list = (message as unknown as Record<string, readonly unknown[]>)[field.localName] ?? [];
      return list.length === 0 ? [] : [at];
    }
    return value === 0n || value === 0 || value === '' ? [] : [at];
  });
}

/** Counters that are nought at one time and not at another. */
const FLEETING =
  /failcnt|throttl|writeback|dirty|inactive|active|pg_|rss|cache|mapped|swap|unevictable|usage\.kernel|usage\.user|kernel\.(usage|max)|shmem/;

test('figures of a container have the fields that containerd gives them', async () => {
  const ours = await metricsOf(bench.tasks, 'ours');
  const theirs = await metricsOf(shim.tasks(bench.namespace), 'theirs');
  const steady = (metrics: Message) =>
    fieldsOf(MetricsSchema, metrics).filter((name) => !FLEETING.test(name));
  expect(steady(ours)).toEqual(steady(theirs));
  expect(ours.memory?.usage?.limit).toBe(theirs.memory?.usage?.limit);
  expect(ours.memory?.hierarchicalMemoryLimit).toBe(theirs.memory?.hierarchicalMemoryLimit);
  expect(ours.memory?.swap?.limit).toBe(theirs.memory?.swap?.limit);
  expect(ours.memory?.kernel?.limit).toBe(theirs.memory?.kernel?.limit);
  expect(ours.pids).toMatchObject({ current: theirs.pids?.current, limit: 100n });
  expect(ours.cpu?.usage?.perCpu?.length).toBe(theirs.cpu?.usage?.perCpu?.length);
  expect(ours.hugetlb.map(({ pagesize }) => pagesize).sort()).toEqual(
    theirs.hugetlb.map(({ pagesize }) => pagesize).sort(),
  );
  const shape = (entries: readonly { op: string; device: string }[] = []) =>
    entries.map(({ op }) => op).sort();
  expect(shape(ours.blkio?.ioServiceBytesRecursive).length > 0).toBe(
    shape(theirs.blkio?.ioServiceBytesRecursive).length > 0,
  );
});
