import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect } from '@jest/globals';
import { until } from '@stowage/testing';
import { type ClientCase, IMAGE } from './case.ts';

const FOREVER = ['sh', '-c', 'while :; do sleep 0.1; done'];

export const processCases: readonly ClientCase[] = [
  {
    name: 'a process is added with streams of its own, in the surroundings of the container’s',
    async run(client, { fifoDir }) {
      await using run = await client.run({ image: IMAGE, args: FOREVER });
      await using added = await run.exec({
        args: ['sh', '-c', 'read x; echo "got $x in $(pwd) with $A"; exit 5'],
        env: ['A=b'],
        cwd: '/tmp',
        io: { fifoDir, stdin: true, stdout: true },
      });
      const out = text(added.stdout as Readable);
      added.stdin?.end('this\n');
      expect(await added.exit).toMatchObject({ exitStatus: 5 });
      expect(await out).toBe('got this in /tmp with b\n');
      expect((await run.handle.status()).status).toBe('running');
    },
  },
  {
    name: 'one is added with a terminal, through the container as it was found',
    async run(client, { fifoDir }) {
      await using run = await client.run({ image: IMAGE, args: FOREVER });
      const found = await client.container(run.id);
      const io = { fifoDir, stdout: true, terminal: true } as const;
      await using added = await found.exec({ args: ['sh', '-c', 'test -t 1 && echo tty $TERM'], io });
      const out = text(added.stdout as Readable);
      expect(await added.exit).toMatchObject({ exitStatus: 0 });
      expect(await out).toBe('tty xterm\r\n');
    },
  },
  {
    name: 'one that runs goes when it is disposed, and its id can be used again',
    async run(client) {
      await using run = await client.run({ image: IMAGE, args: FOREVER });
      for (let round = 0; round < 2; round++) {
        await using _added = await run.exec({ args: ['sleep', '100'], execId: 'same' });
        const twice = run.exec({ args: ['true'], execId: 'same' });
        await expect(twice).rejects.toMatchObject({ kind: 'already_exists' });
      }
      const gone = client.services.tasks.get({ containerId: run.id, execId: 'same' });
      await expect(gone).rejects.toMatchObject({ kind: 'not_found' });
    },
  },
  {
    name: 'one that can’t be started is told, and is gone',
    async run(client, { fifoDir }) {
      await using run = await client.run({ image: IMAGE, args: FOREVER });
      const added = run.exec({ args: ['nope'], execId: 'nope', io: { fifoDir, stdout: true } });
      await expect(added).rejects.toThrow('executable file not found');
      const gone = client.services.tasks.get({ containerId: run.id, execId: 'nope' });
      await expect(gone).rejects.toMatchObject({ kind: 'not_found' });
    },
  },
  {
    name: 'signals reach the process, by name and by number',
    async run(client, { fifoDir }) {
      const script =
        'trap "echo usr; exit 3" USR1; trap "echo term" TERM; echo up; while :; do sleep 0.05; done';
      const io = { fifoDir, stdout: true } as const;
      await using run = await client.run({ image: IMAGE, args: ['sh', '-c', script], io });
      let out = '';
      run.stdout?.on('data', (chunk: Buffer) => {
        out += chunk.toString();
      });
      await until('it is up', () => out.includes('up'));
      await run.kill('SIGTERM');
      await until('it is told', () => out.includes('term'));
      await run.kill(10);
      expect(await run.exit).toMatchObject({ exitStatus: 3 });
      expect(out).toBe('up\nterm\nusr\n');
      await expect(run.kill('SIGKILL')).rejects.toMatchObject({ kind: 'not_found' });
    },
  },
  {
    name: 'a kill of all ends those that were added, too',
    async run(client) {
      await using run = await client.run({ image: IMAGE, args: FOREVER });
      await using added = await run.exec({ args: ['sleep', '100'] });
      await run.kill('SIGKILL', { all: true });
      expect(await added.exit).toMatchObject({ exitStatus: 137 });
      expect(await run.exit).toMatchObject({ exitStatus: 137 });
    },
  },
];
