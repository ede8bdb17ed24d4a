import { expect } from '@jest/globals';
import { resourceUsage } from '@stowage/client';
import { withArgs } from '@stowage/oci-spec';
import { type ClientCase, IMAGE } from './case.ts';

const SLEEP = ['sleep', '100'];

export const taskCases: readonly ClientCase[] = [
  {
    name: 'a wait before the exit and one after it are told the same, until the task is gone',
    async run(client) {
      const image = await client.image(IMAGE);
      await using made = await client.createContainer({
        id: 'waits',
        image,
        spec: [withArgs('sh', '-c', 'exit 9')],
      });
      await using task = await made.createTask();
      expect((await task.status()).status).toBe('created');
      const before = task.wait();
      const pid = await task.start();
      const exit = await before;
      expect(exit.exitStatus).toBe(9);
      expect(await task.wait()).toEqual(exit);
      expect(await task.status()).toMatchObject({ status: 'stopped', pid, exitStatus: 9 });
      expect(await task.delete()).toMatchObject({ exitStatus: 9 });
      await expect(client.services.tasks.wait({ containerId: 'waits' })).rejects.toMatchObject({
        kind: 'not_found',
      });
    },
  },
  {
    name: 'one is paused and resumed, which is seen',
    async run(client) {
      await using run = await client.run({ image: IMAGE, args: SLEEP });
      await run.handle.pause();
      expect((await run.handle.status()).status).toBe('paused');
      await run.handle.resume();
      expect((await run.handle.status()).status).toBe('running');
      await run.handle.pause();
      // What is paused is ended all the same.
    },
  },
  {
    name: 'its limits are changed, and seen in its figures',
    async run(client) {
      await using run = await client.run({ image: IMAGE, args: SLEEP });
      await run.handle.update({ pids: { limit: 77 } });
      const metric = await run.handle.metrics();
      if (metric === undefined) throw new Error('there are no figures');
      const { pids, pidsLimit, memoryBytes } = resourceUsage(metric);
      expect({ pids, pidsLimit }).toEqual({ pids: 1n, pidsLimit: 77n });
      expect(memoryBytes).toBeGreaterThan(0n);
    },
  },
  {
    name: 'its processes are told, and it is listed',
    async run(client) {
      await using run = await client.run({ image: IMAGE, args: SLEEP });
      expect((await run.handle.pids()).map(({ pid }) => pid)).toEqual([run.pid]);
      const listed = await Array.fromAsync(client.services.tasks.list());
      const { id, pid } = run;
      expect(listed).toMatchObject([{ containerId: id, id, pid, status: 'running' }]);
    },
  },
  {
    name: 'one that runs is deleted by nobody, nor is its container',
    async run(client) {
      await using run = await client.run({ image: IMAGE, args: SLEEP });
      await expect(run.handle.delete()).rejects.toMatchObject({ kind: 'failed_precondition' });
      await expect(run.container.delete()).rejects.toMatchObject({ kind: 'failed_precondition' });
      await expect(run.container.createTask()).rejects.toMatchObject({ kind: 'already_exists' });
    },
  },
  {
    name: 'one that never started goes when it is disposed',
    async run(client) {
      const image = await client.image(IMAGE);
      await using made = await client.createContainer({ id: 'idle', image, spec: [withArgs('true')] });
      await using _task = await made.createTask();
    },
  },
  {
    name: 'a container is made an image of, which runs',
    async run(client) {
      const image = 'example.org/committed:1';
      {
        await using run = await client.run({
          image: IMAGE,
          args: ['sh', '-c', 'echo made > /made; sleep 100'],
        });
        await using seen = await run.exec({
          args: ['sh', '-c', 'while ! test -s /made; do sleep 0.05; done'],
        });
        await seen.exit;
        await run.container.commit(image, { change: (config) => ({ ...config, Cmd: ['cat', '/made'] }) });
      }
      await using run = await client.run({ image, args: ['test', '-s', '/made'] });
      expect(await run.exit).toMatchObject({ exitStatus: 0 });
      await (await client.image(image)).remove();
    },
  },
];
