import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { connect } from '@stowage/client';
import { withArgs } from '@stowage/oci-spec';
import { demoArchive, mustCtr, until } from '@stowage/testing';
import { withDaemon } from '../suite.ts';

const suite = withDaemon('survival');
const IMAGE = 'example.org/demo:1';

beforeAll(async () => {
  const archive = await demoArchive(join(suite.dir, 'image'), IMAGE);
  await mustCtr(suite.daemon.address, ['images', 'import', archive]);
}, 60_000);

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'a container goes on while the daemon dies by %s',
  async (signal) => {
    const id = `goes-on-${signal.toLowerCase()}`;
    await using before = connect(suite.daemon.address, { namespace: suite.namespace });
    const container = await before.createContainer({
      id,
      image: await before.image(IMAGE),
      spec: [withArgs('/bin/sh', '-c', 'echo first; read line; echo "later: $line"; exit 9')],
    });
    const { PassThrough } = await import('node:stream');
    const stdin = new PassThrough();
    const task = await container.createTask({ io: { stdin, stdout: true } });
    const pid = await task.start();
    const output: string[] = [];
    task.stdout?.on('data', (chunk: Buffer) => output.push(chunk.toString()));
    await until('the first line', () => output.join('').includes('first'));

    await suite.daemon.stop(signal);
    expect(await readFile(`/proc/${pid}/comm`, 'utf8')).toBe('sh\n');
    await suite.daemon.start();

    expect(await mustCtr(suite.daemon.address, ['tasks', 'ls'])).toMatch(
      new RegExp(`${id}\\s+${pid}\\s+RUNNING`),
    );
    await using after = connect(suite.daemon.address, { namespace: suite.namespace });
    const exit = after.services.tasks.wait({ containerId: id });
    stdin.write('hello\n');
    expect(await exit).toMatchObject({ exitStatus: 9 });
    await until('the later line', () => output.join('').includes('later: hello'));
    await after.services.tasks.delete(id);
    await task[Symbol.asyncDispose]();
    const again = await after.container(id);
    await again.delete();
  },
  60_000,
);

test('an exit while the daemon is down is told to the next one', async () => {
  await mustCtr(suite.daemon.address, ['run', '-d', IMAGE, 'while-down', '/bin/sh', '-c', 'sleep 1; exit 4']);
  await suite.daemon.stop('SIGKILL');
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await suite.daemon.start();
  await using client = connect(suite.daemon.address, { namespace: suite.namespace });
  expect(await client.services.tasks.wait({ containerId: 'while-down' })).toMatchObject({ exitStatus: 4 });
  expect(await mustCtr(suite.daemon.address, ['tasks', 'ls'])).toMatch(/while-down\s+\d+\s+STOPPED/);
  await client.services.tasks.delete('while-down');
  await mustCtr(suite.daemon.address, ['containers', 'rm', 'while-down']);
}, 60_000);
