import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { expect, test } from '@jest/globals';
import { TaskExitSchema } from '@stowage/api/events';
import { resourceUsage } from '@stowage/client';
import { unpackMessage } from '@stowage/rpc';
import { addImage, type FakePrograms, fakeClient } from '../src/index.ts';

const IMAGE = 'example.org/tool:1';
const LAYERS = [[{ path: 'etc/motd', data: 'hello' }]];
const open = (programs: FakePrograms = {}) =>
  fakeClient({ programs, images: { [IMAGE]: { layers: LAYERS, config: { Cmd: ['tool'], Env: ['A=b'] } } } });

const leftovers = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('stowage-fakes-'));

test('a container runs a function, with its environment, streams and exit code', async () => {
  await using client = await open({
    async tool({ args, env, stdin, stdout, stderr }) {
      stderr.write(`${args.join(' ')} ${env.A}`);
      for await (const chunk of stdin) stdout.write(String(chunk).toUpperCase());
      return 4;
    },
  });
  const io = { stdin: true, stdout: true, stderr: true } as const;
  await using run = await client.run({ image: IMAGE, io });
  const outputs = [text(run.stdout as Readable), text(run.stderr as Readable)];
  run.stdin?.end('some input');
  expect(await run.exit).toMatchObject({ exitStatus: 4 });
  expect(await Promise.all(outputs)).toEqual(['SOME INPUT', 'tool b']);
});

test('arguments stand in for the image’s command, behind its entrypoint', async () => {
  await using client = await open();
  await addImage(client, 'example.org/echo:1', { config: { Entrypoint: ['echo', 'so'], Cmd: ['what'] } });
  const printed = async (args?: string[]) => {
    await using run = await client.run({ image: 'example.org/echo:1', args, io: { stdout: true } });
    const out = text(run.stdout as Readable);
    await run.exit;
    return await out;
  };
  expect(await printed()).toBe('so what\n');
  expect(await printed(['be', 'it'])).toBe('so be it\n');
});

test('a program that throws exits with 1 and says why; one that is not there is told as runc does', async () => {
  await using client = await open({
    tool() {
      throw new Error('out of order');
    },
  });
  await using run = await client.run({ image: IMAGE, io: { stderr: true } });
  const errors = text(run.stderr as Readable);
  expect(await run.exit).toMatchObject({ exitStatus: 1 });
  expect(await errors).toBe('out of order\n');
  await expect(client.run({ image: IMAGE, args: ['nope'] })).rejects.toThrow('executable file not found');
});

test('execs, signals, pauses, limits and a terminal are as with a daemon', async () => {
  await using client = await open({
    tool: ({ on, stdout, signal }) =>
      new Promise((resolve) => {
        on('SIGTERM', () => {
          stdout.write('told\n');
          resolve(9);
        });
        signal.addEventListener('abort', () => resolve(0));
      }),
    size({ terminalSize, stdout }) {
      stdout.write(`${terminalSize?.width}x${terminalSize?.height}\n`);
      return 0;
    },
  });
  await using run = await client.run({ image: IMAGE, io: { stdout: true } });
  await using added = await run.exec({ args: ['size'], io: { stdout: true, terminal: true } });
  const size = text(added.stdout as Readable);
  expect(await added.exit).toMatchObject({ exitStatus: 0 });
  expect(await size).toBe('80x24\r\n');
  await run.handle.pause();
  expect((await run.handle.status()).status).toBe('paused');
  await run.handle.resume();
  await run.handle.update({ pids: { limit: 7 } });
  const metric = await run.handle.metrics();
  expect(metric && resourceUsage(metric)).toMatchObject({ pids: 1n, pidsLimit: 7n });
  const out = text(run.stdout as Readable);
  await run.kill('SIGTERM');
  expect(await run.exit).toMatchObject({ exitStatus: 9 });
  expect(await out).toBe('told\n');
});

test('with the first process of a container the others end, and are told before it', async () => {
  await using client = await open();
  const ids: string[] = [];
  const stop = new AbortController();
  const heard = (async () => {
    for await (const notice of client.events({ filters: ['topic=="/tasks/exit"'], signal: stop.signal })) {
      if (notice.type !== 'event') continue;
      ids.push(unpackMessage(TaskExitSchema, notice.envelope.event).id);
      if (ids.length === 2) return;
    }
  })();
  await using run = await client.run({ image: IMAGE, args: ['sleep', '100'] });
  await using added = await run.exec({ args: ['sleep', '100'] });
  await run.kill('SIGKILL');
  expect(await run.exit).toMatchObject({ exitStatus: 137 });
  expect(await added.exit).toMatchObject({ exitStatus: 137 });
  await heard;
  expect(ids).toEqual([added.handle.execId, run.id]);
});

test('the rules are the daemon’s: ids, leases, namespaces, collection and events', async () => {
  await using client = await open();
  const image = await client.image(IMAGE);
  expect(await image.unpack()).toMatch(/^sha256:/);
  const topics: string[] = [];
  const stop = new AbortController();
  const heard = (async () => {
    for await (const notice of client.events({ signal: stop.signal }))
      if (notice.type === 'event') topics.push(notice.envelope.topic);
  })();
  {
    await using _made = await client.createContainer({ id: 'same', image });
    const twice = client.createContainer({ id: 'same', image });
    await expect(twice).rejects.toMatchObject({ kind: 'already_exists' });
    await using run = await client.run({ image: IMAGE, args: ['sleep', '100'] });
    await expect(run.handle.delete()).rejects.toMatchObject({ kind: 'failed_precondition' });
  }
  await expect(client.in('other').image(IMAGE)).rejects.toMatchObject({ kind: 'not_found' });
  await image.remove({ sync: true });
  expect(await Array.fromAsync(client.services.content.list())).toEqual([]);
  expect(await Array.fromAsync(client.services.snapshotter('overlayfs').list())).toEqual([]);
  stop.abort();
  await heard.catch(() => undefined);
  expect(topics).toEqual(
    expect.arrayContaining(['/tasks/create', '/tasks/start', '/tasks/exit', '/images/delete']),
  );
});

test('an archive goes from one to another', async () => {
  await using from = await open();
  await using to = await fakeClient({ namespace: 'there' });
  const [image] = await to.importImages(from.exportImages([IMAGE]));
  expect(image?.name).toBe(IMAGE);
  expect((await image?.containerConfig())?.cmd).toEqual(['tool']);
});

test('a file takes what is printed, and logs are read from it', async () => {
  await using client = await open({
    tool({ stdout }) {
      stdout.write('one\ntwo\n');
      return 0;
    },
  });
  const [directory = ''] = (await leftovers()).slice(-1);
  const stdout = pathToFileURL(join(tmpdir(), directory, 'log'));
  await using run = await client.run({ image: IMAGE, io: { stdout } });
  await run.exit;
  expect((await Array.fromAsync(run.container.logs())).map((line) => line.text)).toEqual(['one', 'two']);
});

test('what it lacks is said, and nothing is left of it', async () => {
  const before = await leftovers();
  {
    await using client = await open();
    await expect(
      client.services.transfers.transfer({ kind: 'store', name: 'a' }, { kind: 'store', name: 'b' }),
    ).rejects.toMatchObject({ kind: 'unimplemented' });
    await addImage(client, 'example.org/more:1');
    expect((await Array.fromAsync(client.services.images.list())).map(({ name }) => name).sort()).toEqual([
      'example.org/more:1',
      IMAGE,
    ]);
  }
  expect(await leftovers()).toEqual(before);
});
