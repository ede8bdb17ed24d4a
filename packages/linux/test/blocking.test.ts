import { on, once } from 'node:events';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, test } from '@jest/globals';
import {
  chdir,
  EPOLLIN,
  epollAdd,
  epollCreate,
  epollRemove,
  epollWait,
  fchdir,
  fsyncDir,
  syncfs,
} from '../src/blocking.ts';
import { close, eventfd, eventfdWrite, open, tryLock } from '../src/index.ts';
import { sendMessage, socketPair } from '../src/sockets.ts';
import { codeOf, tempDir } from './fixtures/temp.ts';

test('epoll reports what is ready under its token, and nothing after the watch', () => {
  const [epfd, fd] = [epollCreate(), eventfd(1)];
  const token = 2n ** 64n - 1n;
  epollAdd(epfd, fd, EPOLLIN, token);
  expect(epollWait(epfd, 8, -1)).toEqual([{ events: EPOLLIN, token }]);
  epollRemove(epfd, fd);
  epollRemove(epfd, fd);
  expect(epollWait(epfd, 8, 10)).toEqual([]);
  close(fd);
  close(epfd);
  expect(codeOf(() => epollWait(epfd, 8, 0))).toBe('EBADF');
});

test('a directory and a filesystem are synced; what is no directory is refused', () => {
  using dir = tempDir();
  fsyncDir(dir.path);
  syncfs(dir.path);
  expect(codeOf(() => fsyncDir('/etc/passwd'))).toBe('ENOTDIR');
  expect(codeOf(() => syncfs(join(dir.path, 'absent')))).toBe('ENOENT');
});

test('the working directory goes by path and by descriptor', () => {
  const before = open('.', constants.O_RDONLY | constants.O_DIRECTORY);
  const cwd = process.cwd();
  chdir('/proc');
  fchdir(before);
  close(before);
  expect(process.cwd()).toBe(cwd);
  expect(codeOf(() => chdir('/nowhere'))).toBe('ENOENT');
});

test('a worker waits for a lock and for a message, and changes namespaces, while the main thread goes on', async () => {
  using dir = tempDir();
  const path = join(dir.path, 'lock');
  const [a, b] = socketPair();
  const held = tryLock(path);
  const worker = new Worker(new URL('./fixtures/blocking-worker.ts', import.meta.url), {
    workerData: { path, socket: b },
  });
  // Listens all the time: what a thread said last can come at once, together with its exit.
  const said = on(worker, 'message');
  const next = async () => ((await said.next()).value as [unknown])[0];
  const exited = once(worker, 'exit');
  expect(await next()).toBe('locking');
  const locked = next();
  await delay(50);
  held?.[Symbol.dispose]();
  expect(await locked).toBe('locked');
  expect(tryLock(path)).toBeUndefined();
  const received = next();
  await delay(50);
  const wake = eventfd();
  sendMessage(a, Buffer.from('go'), [wake]);
  expect(await received).toEqual({ text: 'go', fds: 1 });
  expect(await next()).toEqual({ own: true, back: true, root: ['inside'], refused: 'EINVAL' });
  await exited;
  eventfdWrite(wake);
  for (const fd of [a, b, wake]) close(fd);
});
