import assert from 'node:assert/strict';
import { jsonBytes, TYPE_URL, unlessGone } from '@stowage/core';
import type { Case } from '../subject.ts';
import { ended, eventually, started } from '../support.ts';

export const controlCases: readonly Case[] = [
  {
    id: 'control/pause-and-resume-are-told-and-seen',
    async run(context) {
      const { tasks, told } = context;
      await started(context, 'c');
      await tasks.pause('c');
      assert.equal((await tasks.state({ id: 'c' })).status, 'paused');
      await tasks.resume('c');
      assert.equal((await tasks.state({ id: 'c' })).status, 'running');
      await ended(context, 'c');
      await eventually('the delete is told', () => told('c').at(-1) === 'delete');
      assert.deepEqual(told('c'), ['create', 'start', 'paused', 'resumed', 'exit', 'delete']);
    },
  },
  {
    id: 'control/figures-are-of-a-cgroup',
    async run(context) {
      await started(context, 'c');
      const { typeUrl } = await context.tasks.stats('c');
      assert.match(typeUrl, /^io\.containerd\.cgroups\.v[12]\.Metrics$/);
      await ended(context, 'c');
    },
  },
  {
    id: 'control/limits-are-changed',
    async run(context) {
      await started(context, 'c');
      const resources = jsonBytes(TYPE_URL.linuxResources, { pids: { limit: 77 } });
      await context.tasks.update({ id: 'c', resources });
      await ended(context, 'c');
    },
  },
  {
    id: 'control/a-signal-reaches-the-process',
    async run({ tasks, containers }) {
      const script = 'trap "exit 3" TERM; while :; do sleep 0.05; done';
      await tasks.create(await containers.request('c', script));
      let isOver = false;
      const exit = tasks.wait({ id: 'c' }).finally(() => {
        isOver = true;
      });
      await tasks.start({ id: 'c' });
      // Before its trap is set, the first process of a container does not hear it.
      await eventually('it obeys', async () => {
        await unlessGone(tasks.kill({ id: 'c', signal: 15 }));
        return isOver;
      });
      assert.equal((await exit).exitStatus, 3);
      await tasks.delete({ id: 'c' });
      await containers.removed('c');
    },
  },
  {
    id: 'control/an-init-that-is-killed-from-outside-is-told-with-its-signal',
    needs: ['processes'],
    async run(context) {
      const { tasks, containers } = context;
      const pid = await started(context, 'c');
      const exit = tasks.wait({ id: 'c' });
      process.kill(pid, 'SIGKILL');
      assert.equal((await exit).exitStatus, 137);
      await tasks.delete({ id: 'c' });
      await containers.removed('c');
    },
  },
];
