import { mkdtempSync, writeFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect } from '@stowage/client';
import { demoArchive, mustCtr, until } from '@stowage/testing';
import { withDaemon } from '../suite.ts';

// So long an interval that all but the start is answered because it was heard of.
const config = join(mkdtempSync(join(tmpdir(), 'restart-config-')), 'config.toml');
writeFileSync(config, 'version = 3\n[plugins."io.containerd.internal.v1.restart"]\ninterval = "1h"\n');
const suite = withDaemon('restart-monitor', { config });
afterAll(() => rm(dirname(config), { recursive: true }));
const IMAGE = 'example.org/demo:1';
const ctr = (...args: string[]) => mustCtr(suite.daemon.address, args);

beforeAll(async () => {
  await ctr('images', 'import', await demoArchive(join(suite.dir, 'image'), IMAGE));
}, 60_000);

const LABEL = 'containerd.io/restart';
const run = (id: string, labels: Record<string, string>, script: string) =>
  ctr(
    ...['run', '-d'],
    ...Object.entries(labels).flatMap(([name, value]) => ['--label', `${LABEL}.${name}=${value}`]),
    ...[IMAGE, id, 'sh', '-c', script],
  );

async function look<T>(work: (services: ReturnType<typeof connect>['services']) => Promise<T>): Promise<T> {
  await using client = connect(suite.daemon.address, { namespace: suite.namespace });
  return await work(client.services);
}

const taskOf = (id: string) =>
  look(async ({ tasks }) =>
    (await Array.fromAsync(tasks.list())).find(({ containerId }) => containerId === id),
  );
const countOf = (id: string) =>
  look(async ({ containers }) => (await containers.get(id)).labels[`${LABEL}.count`]);
const label = (id: string, name: string, value: string) =>
  ctr('containers', 'label', id, `${LABEL}.${name}=${value}`);
const runs = (id: string) =>
  until(`${id} to run`, async () => (await taskOf(id))?.status === 'running', 20_000);
const FOREVER = 'echo up; while :; do sleep 0.1; done';

test('what is killed is started again, its output goes on, and it is counted', async () => {
  const log = join(suite.dir, 'kept.log');
  await run('kept', { status: 'running', loguri: `file://${log}` }, FOREVER);
  const first = (await taskOf('kept'))?.pid;
  await ctr('tasks', 'kill', '-s', 'KILL', 'kept');
  await until(
    'another process',
    async () => {
      const task = await taskOf('kept');
      return task?.status === 'running' && task.pid !== first;
    },
    20_000,
  );
  expect(await countOf('kept')).toBe('1');
  await until('its output', async () => (await readFile(log, 'utf8').catch(() => '')).includes('up'));
  await label('kept', 'status', 'stopped');
  await until('it to end', async () => (await taskOf('kept')) === undefined, 30_000);
  await ctr('containers', 'rm', 'kept');
}, 90_000);

test('on-failure is started as often as it says, and not after a success', async () => {
  await run('fails', { status: 'running', policy: 'on-failure:2' }, 'exit 3');
  await until('two more tries', async () => (await countOf('fails')) === '2', 20_000);
  await until('it to be over', async () => (await taskOf('fails'))?.status === 'stopped');
  await run('succeeds', { status: 'running', policy: 'on-failure' }, 'exit 0');
  await until('it to end', async () => (await taskOf('succeeds'))?.status === 'stopped');
  await new Promise((resolve) => setTimeout(resolve, 1000));
  expect(await countOf('fails')).toBe('2');
  expect(await countOf('succeeds')).toBeUndefined();
  for (const id of ['fails', 'succeeds']) {
    await ctr('tasks', 'rm', id);
    await ctr('containers', 'rm', id);
  }
}, 60_000);

test('unless-stopped is let be once somebody stopped it; without labels nobody looks after it', async () => {
  await run('asked', { status: 'running', policy: 'unless-stopped' }, FOREVER);
  await run('plain', {}, FOREVER);
  await label('asked', 'explicitly-stopped', 'true');
  for (const id of ['asked', 'plain']) await ctr('tasks', 'kill', '-s', 'KILL', id);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  for (const id of ['asked', 'plain']) {
    expect(await taskOf(id)).toMatchObject({ status: 'stopped' });
    await ctr('tasks', 'rm', id);
    await ctr('containers', 'rm', id);
  }
}, 60_000);

test('what ended while no daemon was there is started by the next one', async () => {
  await run('again', { status: 'running' }, FOREVER);
  const { pid = Number.NaN } = (await taskOf('again')) ?? {};
  expect(pid).toBeGreaterThan(1);
  await suite.daemon.stop('SIGTERM');
  process.kill(pid, 'SIGKILL');
  await suite.daemon.start();
  await runs('again');
  expect((await taskOf('again'))?.pid).not.toBe(pid);
  await label('again', 'status', 'stopped');
  await until('it to end', async () => (await taskOf('again')) === undefined, 30_000);
  await ctr('containers', 'rm', 'again');
}, 90_000);
