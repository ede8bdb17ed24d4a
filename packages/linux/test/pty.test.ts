import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { close, dup, open, statusFlags } from '../src/index.ts';
import { Poller } from '../src/poller.ts';
import { ConsoleSocket, ptyStream, setWindowSize, windowSize } from '../src/pty.ts';
import { connectUnix, sendMessage } from '../src/sockets.ts';
import { codeOf, tempDir } from './fixtures/temp.ts';

/** Sends a pty master as an OCI runtime does, then runs `body` with the slave as `s`. */
function runtime(path: string, body: string): ChildProcess {
  const script = `
import socket,os,pty,array,time,sys,tty
m,s=pty.openpty()
c=socket.socket(socket.AF_UNIX); c.connect(sys.argv[1])
c.sendmsg([b'/dev/ptmx'],[(socket.SOL_SOCKET,socket.SCM_RIGHTS,array.array('i',[m]))])
os.close(m); c.close()
${body}`;
  return spawn('python3', ['-c', script, path], { stdio: 'inherit' });
}

const text = async (stream: AsyncIterable<Buffer>): Promise<string> => {
  let all = '';
  for await (const chunk of stream) all += chunk;
  return all;
};

test('a console socket receives the master, and the stream ends with the last holder of the slave', async () => {
  using dir = tempDir();
  await using poller = new Poller();
  using socket = new ConsoleSocket(join(dir.path, 'console.sock'), poller);
  expect(statSync(socket.path).mode & 0o777).toBe(0o600);
  const child = runtime(socket.path, `os.write(s,b'name? '); n=os.read(s,100); os.write(s,b'hello '+n)`);
  const exited = once(child, 'exit');
  const { fd, name } = await socket.receive();
  expect(name).toBe('/dev/ptmx');
  setWindowSize(fd, { columns: 132, rows: 50 });
  expect(windowSize(fd)).toEqual({ columns: 132, rows: 50 });
  const stream = ptyStream(fd);
  stream.write('world\n');
  expect(await text(stream)).toContain('hello world\r\n');
  await exited;
  stream.write('too late');
  stream.end();
  await once(stream, 'close');
  expect(codeOf(() => statusFlags(fd))).toBe('EBADF');
});

test('a terminal nobody writes to does not hold up node:fs, and backpressure holds the writer', async () => {
  using dir = tempDir();
  await using poller = new Poller();
  const streams = await Promise.all(
    Array.from({ length: 8 }, async (_, i) => {
      using socket = new ConsoleSocket(join(dir.path, `${i}.sock`), poller);
      const child = runtime(socket.path, `tty.setraw(s); os.write(s,b'x'*300000); os.read(s,1)`);
      const { fd } = await socket.receive();
      return { child, stream: ptyStream(fd) };
    }),
  );
  await stat('/');
  for (const { child, stream } of streams) {
    stream.on('readable', () => {});
    await delay(20);
    expect(stream.readableLength).toBeLessThan(200_000);
    stream.removeAllListeners('readable');
    let size = 0;
    for await (const chunk of stream) {
      size += chunk.length;
      if (size === 300_000) stream.write('.');
    }
    expect(size).toBe(300_000);
    if (child.exitCode === null) await once(child, 'exit');
  }
});

test('a duplicate outlives the stream', async () => {
  using dir = tempDir();
  await using poller = new Poller();
  using socket = new ConsoleSocket(join(dir.path, 's'), poller);
  const child = runtime(socket.path, `os.read(s,1)`);
  const { fd } = await socket.receive();
  const kept = dup(fd);
  const stream = ptyStream(fd);
  stream.destroy();
  await once(stream, 'close');
  expect(windowSize(kept)).toBeDefined();
  const again = ptyStream(kept);
  again.write('x\n');
  await text(again);
  if (child.exitCode === null) await once(child, 'exit');
});

test('giving up, disposing and nonsense leave nothing behind', async () => {
  using dir = tempDir();
  const before = readdirSync('/proc/self/fd').length;
  {
    await using poller = new Poller();
    const path = join(dir.path, 'console.sock');
    const socket = new ConsoleSocket(path, poller);
    expect(() => new ConsoleSocket(path, poller)).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }));
    const reason = new Error('enough');
    const stop = new AbortController();
    const receiving = socket.receive({ signal: stop.signal });
    stop.abort(reason);
    await expect(receiving).rejects.toBe(reason);
    const silent = connectUnix(path);
    close(silent);
    const talker = connectUnix(path);
    const fds = [open('/dev/null', 0), open('/dev/null', 0)];
    sendMessage(talker, Buffer.from('two'), fds);
    await expect(socket.receive()).rejects.toMatchObject({ code: 'EMSGSIZE' });
    for (const fd of [talker, ...fds]) close(fd);
    socket[Symbol.dispose]();
    socket[Symbol.dispose]();
    expect(existsSync(path)).toBe(false);
    expect(() => new ConsoleSocket('x'.repeat(108), poller)).toThrow(
      expect.objectContaining({ code: 'ENAMETOOLONG' }),
    );
    const unclaimed = new ConsoleSocket(path, poller);
    const child = runtime(path, '');
    await once(child, 'exit');
    await delay(30);
    unclaimed[Symbol.dispose]();
    await expect(unclaimed.receive()).rejects.toMatchObject({ kind: 'canceled' });
  }
  expect(readdirSync('/proc/self/fd').length).toBe(before);
});
