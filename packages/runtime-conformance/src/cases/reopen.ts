import assert from 'node:assert/strict';
import type { Case } from '../subject.ts';
import { ended, eventually, started } from '../support.ts';

export const reopenCases: readonly Case[] = [
  {
    id: 'reopen/containers-go-on-and-are-found',
    needs: ['reopen'],
    async run(context) {
      const pid = await started(context, 'c');
      await context.reopen();
      assert.deepEqual(await context.list(), ['c']);
      const state = await context.tasks.state({ id: 'c' });
      assert.deepEqual([state.status, state.pid], ['running', pid]);
      assert.equal((await ended(context, 'c')).exitStatus, 137);
      await eventually('the delete is told', () => context.told('c').at(-1) === 'delete');
      assert.deepEqual(context.told('c'), ['create', 'start', 'exit', 'delete']);
    },
  },
  {
    id: 'reopen/what-ended-in-between-is-told',
    needs: ['reopen'],
    async run(context) {
      const pid = await started(context, 'c');
      const reopening = context.reopen();
      process.kill(pid, 'SIGKILL');
      await reopening;
      const { tasks, containers, told } = context;
      assert.equal((await tasks.wait({ id: 'c' })).exitStatus, 137);
      await tasks.delete({ id: 'c' });
      await containers.removed('c');
      await eventually('the delete is told', () => told('c').at(-1) === 'delete');
      assert.deepEqual(told('c'), ['create', 'start', 'exit', 'delete']);
    },
  },
];
