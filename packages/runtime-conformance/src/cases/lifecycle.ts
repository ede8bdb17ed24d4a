import assert from 'node:assert/strict';
import type { Case } from '../subject.ts';
import { ended, eventually, refused, started } from '../support.ts';

export const lifecycleCases: readonly Case[] = [
  {
    id: 'lifecycle/starts-empty',
    async run({ list, tasks }) {
      assert.deepEqual(await list(), []);
      await refused('not_found', tasks.state({ id: 'c' }));
    },
  },
  {
    id: 'lifecycle/a-task-that-is-not-there-is-not-found-by-any-call',
    async run({ tasks }) {
      const process = { id: 'absent' };
      await refused('not_found', tasks.start(process));
      await refused('not_found', tasks.delete(process));
      await refused('not_found', tasks.wait(process));
      await refused('not_found', tasks.kill({ ...process, signal: 9 }));
      await refused('not_found', tasks.pids('absent'));
      await refused('not_found', tasks.pause('absent'));
      await refused('not_found', tasks.stats('absent'));
    },
  },
  {
    id: 'lifecycle/a-task-is-listed-from-create-to-delete',
    async run(context) {
      await started(context, 'c');
      assert.deepEqual(await context.list(), ['c']);
      await ended(context, 'c');
      assert.deepEqual(await context.list(), []);
      await refused('not_found', context.tasks.wait({ id: 'c' }));
    },
  },
  {
    id: 'lifecycle/an-id-in-use-is-refused-and-can-be-used-again-after',
    async run(context) {
      const { tasks, containers } = context;
      await started(context, 'c');
      await refused('already_exists', tasks.create(await containers.request('c', 'true')));
      assert.equal((await tasks.state({ id: 'c' })).status, 'running');
      await ended(context, 'c');
      await started(context, 'c');
      await ended(context, 'c');
    },
  },
  {
    id: 'lifecycle/what-comes-at-the-wrong-time-is-refused',
    async run(context) {
      const { tasks } = context;
      await started(context, 'c');
      await refused('failed_precondition', tasks.start({ id: 'c' }));
      await refused('failed_precondition', tasks.delete({ id: 'c' }));
      await refused('failed_precondition', tasks.resume('c'));
      assert.equal((await ended(context, 'c')).exitStatus, 137);
    },
  },
  {
    id: 'lifecycle/whoever-waits-after-the-exit-is-told-the-same',
    async run(context) {
      const { tasks, containers } = context;
      await tasks.create(await containers.request('c', 'exit 9'));
      const before = tasks.wait({ id: 'c' });
      await tasks.start({ id: 'c' });
      const exit = await before;
      assert.equal(exit.exitStatus, 9);
      assert.deepEqual(await tasks.wait({ id: 'c' }), exit);
      await refused('not_found', tasks.kill({ id: 'c', signal: 9 }));
      await tasks.delete({ id: 'c' });
      await containers.removed('c');
    },
  },
  {
    id: 'lifecycle/a-wait-that-is-given-up-rejects-with-the-reason',
    async run(context) {
      await started(context, 'c');
      const stop = new AbortController();
      const waiting = context.tasks.wait({ id: 'c' }, { signal: stop.signal }).catch((e: unknown) => e);
      const reason = new Error('enough');
      setTimeout(() => stop.abort(reason), 20);
      assert.equal(await waiting, reason);
      await ended(context, 'c');
    },
  },
  {
    id: 'lifecycle/a-container-that-never-started-is-deleted-and-its-exit-told-before',
    async run({ tasks, containers, told }) {
      await tasks.create(await containers.request('c', 'true'));
      const exit = tasks.wait({ id: 'c' });
      await tasks.delete({ id: 'c' });
      await containers.removed('c');
      await exit;
      await eventually('the delete is told', () => told('c').at(-1) === 'delete');
      assert.deepEqual(told('c'), ['create', 'exit', 'delete']);
    },
  },
  {
    id: 'lifecycle/a-create-that-fails-leaves-no-task-and-tells-nothing',
    needs: ['mounts'],
    async run({ tasks, containers, told, list }) {
      const request = await containers.request('c', 'true');
      const broken = {
        ...request,
        rootfs: [{ type: 'bind', source: '/no/such/source', options: ['rbind'] }],
      };
      await assert.rejects(tasks.create(broken));
      await containers.removed('c');
      assert.deepEqual(await list(), []);
      assert.deepEqual(told('c'), []);
    },
  },
];
