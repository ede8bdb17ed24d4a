import assert from 'node:assert/strict';
import type { Case, CaseContext } from '../subject.ts';
import { ended, eventually, refused, started } from '../support.ts';

const silent = { stdin: '', stdout: '', stderr: '', terminal: false };

async function add({ tasks, containers }: CaseContext, execId: string, script: string) {
  const process = { id: 'c', execId };
  await tasks.exec({ ...process, spec: containers.process(script), ...silent });
  return process;
}

export const execCases: readonly Case[] = [
  {
    id: 'execs/the-exit-of-one-is-told-before-that-of-its-init',
    async run(context) {
      const { tasks, told, containers } = context;
      await started(context, 'c');
      const exec = await add(context, 'e', 'sleep 100');
      const { pid } = await tasks.start(exec);
      const pids = (await tasks.pids('c')).map((one) => one.pid);
      assert.ok(pids.includes(pid), `${pid} is not among ${pids}`);
      const [exit, init] = [tasks.wait(exec), tasks.wait({ id: 'c' })];
      await tasks.kill({ id: 'c', signal: 9, all: true });
      assert.deepEqual([(await exit).exitStatus, (await init).exitStatus], [137, 137]);
      await tasks.delete({ id: 'c' });
      await containers.removed('c');
      await eventually('the delete is told', () => told('c').at(-1) === 'delete');
      const expected = ['create', 'start', 'exec-added:e', 'exec-started:e', 'exit:e', 'exit', 'delete'];
      assert.deepEqual(told('c'), expected);
    },
  },
  {
    id: 'execs/an-id-can-be-used-again-once-it-is-deleted',
    async run(context) {
      const { tasks } = context;
      await started(context, 'c');
      for (const code of [5, 6]) {
        const exec = await add(context, 'e', `exit ${code}`);
        await refused('already_exists', add(context, 'e', 'true'));
        const exit = tasks.wait(exec);
        await tasks.start(exec);
        assert.equal((await exit).exitStatus, code);
        assert.equal((await tasks.delete(exec)).exitStatus, code);
        await refused('not_found', tasks.wait(exec));
      }
      await ended(context, 'c');
    },
  },
  {
    id: 'execs/one-that-is-not-there-is-not-found',
    async run(context) {
      const { tasks } = context;
      await started(context, 'c');
      const exec = { id: 'c', execId: 'absent' };
      await refused('not_found', tasks.state(exec));
      await refused('not_found', tasks.wait(exec));
      await refused('not_found', tasks.kill({ ...exec, signal: 9 }));
      await ended(context, 'c');
    },
  },
];
