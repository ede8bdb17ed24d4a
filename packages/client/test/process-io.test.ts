import { spawn } from 'node:child_process';
import { readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from '@jest/globals';
import { ProcessIo } from '../src/process-io.ts';
import { writer } from './streams.ts';

const leftovers = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('stowage-io-'));

test('makes FIFOs for what is asked for, in a private folder that goes when disposed', async () => {
  const io = await ProcessIo.open({ stdin: new PassThrough(), stdout: true });
  const { stdin, stdout, stderr, terminal } = io.stdio;
  expect({ stderr, terminal }).toEqual({ stderr: '/dev/null', terminal: false });
  expect((await stat(stdin)).isFIFO() && (await stat(stdout)).isFIFO()).toBe(true);
  expect((await stat(stdout)).mode & 0o777).toBe(0o600);
  expect((await stat(dirname(stdout))).mode & 0o777).toBe(0o700);
  await io[Symbol.asyncDispose]();
  await expect(stat(dirname(stdout))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('makes nothing for nothing', async () => {
  const before = await leftovers();
  await using io = await ProcessIo.open();
  expect(io.stdio).toEqual({ stdin: '', stdout: '', stderr: '', terminal: false });
  expect(await leftovers()).toEqual(before);
});

test('a terminal has one output', async () => {
  await using io = await ProcessIo.open({ stdout: true, stderr: true, terminal: true });
  expect(io.stdio).toMatchObject({ stderr: '', terminal: true });
  expect(io.stderr).toBeUndefined();
});

test('says where FIFOs could not be made', async () => {
  const opened = ProcessIo.open({ stdout: true, fifoDir: '/proc/nowhere' });
  await expect(opened).rejects.toMatchObject({ kind: 'unavailable' });
  await expect(opened).rejects.toThrow('/proc/nowhere');
});

test('input is closed once, after all of it was handed over, and only when fed', async () => {
  const stdin = new PassThrough();
  await using io = await ProcessIo.open({ stdin, stdout: true });
  const order: string[] = [];
  stdin.end('some input');
  const child = spawn('sh', ['-c', `head -c 10 < "${io.stdio.stdin}" > "${io.stdio.stdout}"`]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(order).toEqual([]);
  io.listen();
  const closed = Promise.withResolvers<void>();
  io.feed(async () => {
    order.push('closeIO');
    closed.resolve();
  });
  expect(await text(io.stdout as PassThrough)).toBe('some input');
  await closed.promise;
  await io.drained();
  expect(order).toEqual(['closeIO']);
  expect(child.exitCode ?? 0).toBe(0);
});

test('a CloseIO that fails is told by drained, not by ending the process', async () => {
  const stdin = new PassThrough();
  await using io = await ProcessIo.open({ stdin, stdout: true });
  using _process = writer(io.stdio.stdout);
  io.listen();
  io.feed(async () => {
    throw new Error('daemon gone');
  });
  stdin.end();
  await expect(io.drained()).rejects.toThrow('daemon gone');
});

test('flush gives up where something holds the output open', async () => {
  await using io = await ProcessIo.open({ stdout: true });
  io.listen();
  using grandchild = writer(io.stdio.stdout);
  grandchild.write('last words');
  const begun = Date.now();
  await io.flush();
  expect(Date.now() - begun).toBeLessThan(4000);
  await io[Symbol.asyncDispose]();
  expect(await text(io.stdout as PassThrough)).toBe('last words');
});

test('a URL is handed on as it is, for the runtime, and no FIFO is made for it', async () => {
  const before = await leftovers();
  const log = new URL('file:///var/log/a%20b?format=cri');
  await using io = await ProcessIo.open({ stdout: log, stderr: log });
  expect(io.stdio).toMatchObject({ stdout: log.href, stderr: log.href });
  expect(await leftovers()).toEqual(before);
});

test('streams that one client leaves, another joins; what was not read waits', async () => {
  const first = await ProcessIo.open({ stdin: 'open', stdout: true });
  const { stdin, stdout } = first.stdio;
  // As a runtime does: open for both directions, so that it outlives whoever reads and writes.
  const child = spawn('sh', ['-c', `exec 3<>"$0" 4<>"$1"; echo early >&4; head -n 1 <&3 >&4`, stdin, stdout]);
  const exited = new Promise((resolve) => child.on('close', resolve));
  first.leave();
  await first[Symbol.asyncDispose]();
  const input = new PassThrough();
  await using second = await ProcessIo.join(first.stdio, { stdin: input, stdout: true });
  second.listen();
  second.feed(async () => {});
  input.write('late\n');
  expect(await text(second.stdout as PassThrough)).toBe('early\nlate\n');
  await exited;
  await second[Symbol.asyncDispose]();
  expect((await stat(stdout)).isFIFO()).toBe(true);
  await rm(dirname(stdout), { recursive: true });
});
