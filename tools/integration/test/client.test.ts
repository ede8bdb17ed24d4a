import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { connect } from '@stowage/client';
import { withArgs, withHostNetwork } from '@stowage/oci-spec';
import { demoArchive, mustCtr, startRegistry } from '@stowage/testing';
import { withDaemon } from '../suite.ts';

const suite = withDaemon('client');

beforeAll(async () => {
  const archive = await demoArchive(join(suite.dir, 'image'), 'example.org/demo:1');
  await mustCtr(suite.daemon.address, ['images', 'import', archive]);
}, 60_000);

// The example of containerd's announcement, in TypeScript.
test('pull, unpack, run and wait, as in the announcement of containerd 1.0', async () => {
  await using registry = await startRegistry(join(suite.dir, 'registry'));
  const reference = `${registry.host}/demo:1`;
  await mustCtr(suite.daemon.address, ['images', 'tag', 'example.org/demo:1', reference]);
  await mustCtr(suite.daemon.address, ['images', 'push', '--plain-http', reference]);

  let output = '';
  {
    await using client = connect(suite.daemon.address, { namespace: 'example' });
    const stages = new Set<string>();
    const image = await client.pull(reference, { unpack: true, onProgress: (p) => void stages.add(p.stage) });
    expect([...stages]).toEqual(expect.arrayContaining(['fetch', 'unpack']));

    await using container = await client.createContainer({
      id: 'demo',
      image,
      spec: [withHostNetwork(), withArgs('/bin/sh', '-c', 'echo up; sleep 60')],
    });
    await using task = await container.createTask({ io: { stdout: true } });
    task.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    const exit = task.wait();
    await task.start();
    const late = setTimeout(() => void task.kill('SIGKILL'), 1000);
    const { exitStatus } = await exit;
    clearTimeout(late);
    expect(exitStatus).toBe(137);
  }
  expect(output).toBe('up\n');

  await using client = connect(suite.daemon.address, { namespace: 'example' });
  expect(await Array.fromAsync(client.services.containers.list())).toEqual([]);
  expect(await Array.fromAsync(client.services.tasks.list())).toEqual([]);
  expect(await Array.fromAsync(client.services.leases.list())).toEqual([]);
}, 60_000);
