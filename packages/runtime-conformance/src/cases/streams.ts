import assert from 'node:assert/strict';
import type { Case } from '../subject.ts';
import { eventually } from '../support.ts';

/** What a terminal makes of the end of a line. */
const line = (terminal: boolean) => (terminal ? '\r\n' : '\n');

const forBoth: readonly Case[] = [false, true].flatMap((terminal): Case[] => {
  const mode = terminal ? 'terminal' : 'plain';
  const end = line(terminal);
  return [
    {
      id: `${mode}/a-container-echoes-exits-with-its-code-and-is-gone`,
      async run({ tasks, containers, told }) {
        const streams = await containers.streams(terminal);
        const request = await containers.request('c', 'echo hello; exit 42', streams);
        const { pid } = await tasks.create(request);
        const { status, ...created } = await tasks.state({ id: 'c' });
        assert.equal(status, 'created');
        assert.deepEqual({ pid: created.pid, terminal: created.terminal }, { pid, terminal });
        assert.equal(created.stdout, streams.stdio.stdout);
        const exit = tasks.wait({ id: 'c' });
        assert.deepEqual(await tasks.start({ id: 'c' }), { pid });
        assert.equal((await exit).exitStatus, 42);
        const stopped = await tasks.state({ id: 'c' });
        assert.deepEqual([stopped.status, stopped.exitStatus], ['stopped', 42]);
        assert.equal((await tasks.delete({ id: 'c' })).exitStatus, 42);
        await containers.removed('c');
        assert.equal(await streams.output.all, `hello${end}`);
        await eventually('the delete is told', () => told('c').at(-1) === 'delete');
        assert.deepEqual(told('c'), ['create', 'start', 'exit', 'delete']);
      },
    },
    {
      id: `${mode}/what-is-written-arrives`,
      async run({ tasks, containers }) {
        const streams = await containers.streams(terminal);
        await tasks.create(await containers.request('c', 'read x; echo "got $x"', streams));
        const exit = tasks.wait({ id: 'c' });
        await tasks.start({ id: 'c' });
        streams.input.write('a line\n');
        assert.equal((await exit).exitStatus, 0);
        await tasks.delete({ id: 'c' });
        await containers.removed('c');
        assert.equal(await streams.output.all, `${terminal ? `a line${end}` : ''}got a line${end}`);
      },
    },
    {
      id: `${mode}/much-output-is-whole`,
      async run({ tasks, containers }) {
        const streams = await containers.streams(terminal);
        const script = 'i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done';
        await tasks.create(await containers.request('c', script, streams));
        const exit = tasks.wait({ id: 'c' });
        await tasks.start({ id: 'c' });
        await exit;
        await tasks.delete({ id: 'c' });
        await containers.removed('c');
        const expected = Array.from({ length: 5000 }, (_, i) => `line ${i}${end}`).join('');
        assert.ok((await streams.output.all) === expected, 'the output is not what was written');
      },
    },
    {
      id: `${mode}/an-exec-has-streams-of-its-own`,
      async run(context) {
        const { tasks, containers } = context;
        await tasks.create(await containers.request('c', 'while :; do sleep 0.05; done'));
        await tasks.start({ id: 'c' });
        const streams = await containers.streams(terminal);
        const process = { id: 'c', execId: 'e' };
        const spec = containers.process('read x; echo "got $x"; exit 7', terminal);
        await tasks.exec({ ...process, spec, ...streams.stdio });
        const exit = tasks.wait(process);
        await tasks.start(process);
        streams.input.write('word\n');
        assert.equal((await exit).exitStatus, 7);
        assert.equal((await tasks.delete(process)).exitStatus, 7);
        assert.equal(await streams.output.all, `${terminal ? `word${end}` : ''}got word${end}`);
        const init = tasks.wait({ id: 'c' });
        await tasks.kill({ id: 'c', signal: 9 });
        await init;
        await tasks.delete({ id: 'c' });
        await containers.removed('c');
      },
    },
  ];
});

export const streamCases: readonly Case[] = [
  ...forBoth,
  {
    id: 'plain/errors-go-their-own-way',
    async run({ tasks, containers }) {
      const streams = await containers.streams(false);
      await tasks.create(await containers.request('c', 'echo out; echo err >&2', streams));
      const exit = tasks.wait({ id: 'c' });
      await tasks.start({ id: 'c' });
      await exit;
      await tasks.delete({ id: 'c' });
      await containers.removed('c');
      assert.deepEqual([await streams.output.all, await streams.errors?.all], ['out\n', 'err\n']);
    },
  },
  {
    id: 'plain/input-ends-by-close-io-and-by-nothing-else',
    async run({ tasks, containers }) {
      const streams = await containers.streams(false);
      await tasks.create(await containers.request('c', 'cat; exit 4', streams));
      const exit = tasks.wait({ id: 'c' });
      await tasks.start({ id: 'c' });
      streams.input.write('x\n');
      streams.input[Symbol.dispose]();
      await new Promise((resolve) => setTimeout(resolve, 200));
      assert.equal((await tasks.state({ id: 'c' })).status, 'running');
      await tasks.closeIO({ id: 'c' });
      assert.equal((await exit).exitStatus, 4);
      await tasks.delete({ id: 'c' });
      await containers.removed('c');
      assert.equal(await streams.output.all, 'x\n');
    },
  },
  {
    id: 'terminal/has-the-size-that-it-is-given',
    async run({ tasks, containers }) {
      const streams = await containers.streams(true);
      await tasks.create(await containers.request('c', 'stty size; read x; stty size', streams));
      await tasks.resizePty({ id: 'c', width: 100, height: 30 });
      const exit = tasks.wait({ id: 'c' });
      await tasks.start({ id: 'c' });
      await eventually(
        'it waits for a line',
        async () => (await tasks.state({ id: 'c' })).status === 'running',
      );
      await new Promise((resolve) => setTimeout(resolve, 300));
      await tasks.resizePty({ id: 'c', width: 81, height: 26 });
      streams.input.write('\n');
      await exit;
      await tasks.delete({ id: 'c' });
      await containers.removed('c');
      assert.equal(await streams.output.all, '30 100\r\n\r\n26 81\r\n');
    },
  },
];
