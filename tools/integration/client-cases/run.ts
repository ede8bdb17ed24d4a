import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { ReadableStream, WritableStream } from 'node:stream/web';
import { expect } from '@jest/globals';
import { withEnv } from '@stowage/oci-spec';
import { type ClientCase, IMAGE } from './case.ts';

export const runCases: readonly ClientCase[] = [
  {
    name: 'one call makes, starts and removes a container, and tells its exit and outputs',
    async run(client, { fifoDir }) {
      await using run = await client.run({
        image: IMAGE,
        args: ['sh', '-c', 'echo "out $A"; echo err >&2; exit 7'],
        spec: [withEnv(['A=b'])],
        io: { fifoDir, stdout: true, stderr: true },
      });
      expect(run.pid).toBeGreaterThan(1);
      const outputs = [text(run.stdout as Readable), text(run.stderr as Readable)];
      expect(await run.exit).toMatchObject({ exitStatus: 7, exitedAt: expect.any(Date) });
      expect(await Promise.all(outputs)).toEqual(['out b\n', 'err\n']);
    },
  },
  {
    name: 'what runs when it is disposed is killed, and all of it goes',
    async run(client) {
      {
        await using run = await client.run({ image: IMAGE, id: 'ends', args: ['sleep', '100'] });
        expect((await run.handle.status()).status).toBe('running');
      }
      await expect(client.container('ends')).rejects.toMatchObject({ kind: 'not_found' });
    },
  },
  {
    name: 'input comes from a stream of Node, whole, and its end ends the input',
    async run(client, { fifoDir }) {
      const stdin = Readable.from(['x'.repeat(300_000), 'y'.repeat(100)]);
      const io = { fifoDir, stdin, stdout: true } as const;
      await using run = await client.run({ image: IMAGE, args: ['wc', '-c'], io });
      const out = text(run.stdout as Readable);
      expect(await run.exit).toMatchObject({ exitStatus: 0 });
      expect((await out).trim()).toBe('300100');
    },
  },
  {
    name: 'input is written to a stream that is given',
    async run(client, { fifoDir }) {
      const io = { fifoDir, stdin: true, stdout: true } as const;
      await using run = await client.run({ image: IMAGE, args: ['cat'], io });
      const out = text(run.stdout as Readable);
      run.stdin?.write('one\n');
      run.stdin?.end('two\n');
      expect(await run.exit).toMatchObject({ exitStatus: 0 });
      expect(await out).toBe('one\ntwo\n');
    },
  },
  {
    name: 'streams of the web go in and out, are unlocked at the end, and stay open',
    async run(client, { fifoDir }) {
      const encoder = new TextEncoder();
      let wasCanceled = false;
      const stdin = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(encoder.encode('from the web\n'));
          controller.close();
        },
        cancel: () => {
          wasCanceled = true;
        },
      });
      let out = '';
      let isClosed = false;
      const stdout = new WritableStream<Uint8Array>({
        write: (chunk) => {
          out += Buffer.from(chunk).toString();
        },
        close: () => {
          isClosed = true;
        },
      });
      {
        await using run = await client.run({ image: IMAGE, args: ['cat'], io: { fifoDir, stdin, stdout } });
        expect(stdout.locked).toBe(true);
        expect(await run.exit).toMatchObject({ exitStatus: 0 });
      }
      expect(out).toBe('from the web\n');
      expect([stdin.locked, stdout.locked, wasCanceled, isClosed]).toEqual([false, false, false, false]);
    },
  },
  {
    name: 'streams of the web are given, too',
    async run(client, { fifoDir }) {
      const io = { fifoDir, stdin: true, stdout: true } as const;
      await using run = await client.run({ image: IMAGE, args: ['cat'], io });
      const { stdin, stdout } = run.web;
      const out = text(stdout as ReadableStream);
      const writer = stdin?.getWriter();
      await writer?.write(new TextEncoder().encode('both ways\n'));
      await writer?.close();
      expect(await run.exit).toMatchObject({ exitStatus: 0 });
      expect(await out).toBe('both ways\n');
    },
  },
  {
    name: 'a terminal has the size that it is given, and one output',
    async run(client, { fifoDir }) {
      const io = { fifoDir, stdin: true, stdout: true, stderr: true, terminal: true } as const;
      const script = 'read x; stty size; test -t 0 && echo "tty $TERM" >&2';
      await using run = await client.run({ image: IMAGE, args: ['sh', '-c', script], io });
      const out = text(run.stdout as Readable);
      expect(run.stderr).toBeUndefined();
      await run.resize(101, 31);
      run.stdin?.write('\n');
      expect(await run.exit).toMatchObject({ exitStatus: 0 });
      // Its input stays open: no more comes, and nothing waits for it.
      await run.handle.delete();
      expect(await out).toContain('31 101\r\ntty xterm\r\n');
    },
  },
  {
    name: 'an abort rejects the exit with its reason',
    async run(client) {
      const stop = new AbortController();
      await using run = await client.run({ image: IMAGE, args: ['sleep', '100'], signal: stop.signal });
      const reason = new Error('enough');
      stop.abort(reason);
      await expect(run.exit).rejects.toBe(reason);
      expect((await run.handle.status()).status).toBe('running');
    },
  },
  {
    name: 'a program that is not there is told in the runtime’s words, and nothing is left',
    async run(client, { fifoDir }) {
      const run = client.run({
        image: IMAGE,
        args: ['/no/such'],
        io: { fifoDir, stdout: new PassThrough() },
      });
      await expect(run).rejects.toThrow('no such file');
      const absent = client.run({ image: 'example.org/absent:1' });
      await expect(absent).rejects.toMatchObject({ kind: 'not_found' });
    },
  },
];
