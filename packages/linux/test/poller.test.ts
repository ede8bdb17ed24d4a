import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { close, eventfd, eventfdRead, eventfdWrite, open, pidfdSendSignal } from '../src/index.ts';
import { EPOLLHUP, EPOLLIN, Poller } from '../src/poller.ts';
import { receiveMessage, sendMessage, socketPair } from '../src/sockets.ts';
import { codeOf } from './fixtures/temp.ts';

const openFds = () => readdirSync('/proc/self/fd').length;

test('a process is watched to its end', async () => {
  await using poller = new Poller();
  const child: ChildProcess = spawn('sleep', ['60']);
  using watch = poller.watchPid(child.pid as number);
  let ended = false;
  void watch.exited.then(() => {
    ended = true;
  });
  await delay(50);
  expect(ended).toBe(false);
  pidfdSendSignal(watch.pidfd, 'SIGKILL');
  await watch.exited;
  expect(codeOf(() => poller.watchPid(2 ** 22))).toBe('ESRCH');
  expect(poller.size).toBe(0);
});

test('giving a watch up rejects it, without an unhandled rejection', async () => {
  await using poller = new Poller();
  const watch = poller.watchPid(process.pid);
  poller.watchPid(process.pid)[Symbol.dispose]();
  watch[Symbol.dispose]();
  watch[Symbol.dispose]();
  await expect(watch.exited).rejects.toMatchObject({ kind: 'canceled' });
});

test('a descriptor stays reported while it is ready, one event per callback', async () => {
  await using poller = new Poller();
  const fd = eventfd(1);
  let calls = 0;
  const done = Promise.withResolvers<void>();
  poller.watchFd(fd, (events) => {
    expect(events).toBe(EPOLLIN);
    if (++calls < 10) return;
    eventfdRead(fd);
    done.resolve();
  });
  await done.promise;
  await delay(30);
  expect(calls).toBe(10);
  poller.unwatch(fd);
  eventfdWrite(fd);
  await delay(30);
  expect(calls).toBe(10);
  close(fd);
});

test('neither a callback that throws nor a worker that dies loses an event', () => {
  const script = fileURLToPath(new URL('./fixtures/poller-faults.ts', import.meta.url));
  expect(JSON.parse(execFileSync(process.execPath, [script], { encoding: 'utf8' }))).toEqual({
    afterThrows: 20,
    afterDeath: 40,
    atLast: 60,
    thrown: 'callback 0',
    workers: 2,
  });
});

test('thousands of descriptors and processes', async () => {
  await using poller = new Poller();
  const fds = Array.from({ length: 3000 }, () => eventfd());
  const all = Promise.withResolvers<void>();
  const counts = new Map<number, number>();
  for (const fd of fds) {
    poller.watchFd(fd, () => {
      counts.set(fd, (counts.get(fd) ?? 0) + Number(eventfdRead(fd) ?? 0n));
      if ([...counts.values()].filter((count) => count === 2).length === fds.length) all.resolve();
    });
  }
  const once2 = async () => {
    for (const fd of fds) eventfdWrite(fd);
    while (counts.size < fds.length) await delay(5);
    for (const fd of fds) eventfdWrite(fd);
  };
  const children = Array.from({ length: 50 }, () => spawn('true'));
  const watches = children.map((child) => poller.watchPid(child.pid as number));
  await once2();
  await Promise.all(watches.map(({ exited }) => exited));
  await all.promise;
  for (const watch of watches) watch[Symbol.dispose]();
  for (const fd of fds) {
    poller.unwatch(fd);
    close(fd);
  }
});

test('sockets pass descriptors, and tell of their hangup', async () => {
  await using poller = new Poller();
  const [a, b] = socketPair();
  const null0 = open('/dev/null', constants.O_RDWR);
  const received = Promise.withResolvers<readonly number[]>();
  const hungUp = Promise.withResolvers<void>();
  poller.watchFd(b, (events) => {
    const message = receiveMessage(b, 100, 3);
    if (message !== undefined && message.fds.length > 0) received.resolve(message.fds);
    if ((events & EPOLLHUP) !== 0) {
      poller.unwatch(b);
      hungUp.resolve();
    }
  });
  expect(sendMessage(a, Buffer.from('x'), [null0, null0, null0])).toBe(1);
  const fds = await received.promise;
  expect(fds).toHaveLength(3);
  close(a);
  await hungUp.promise;
  for (const fd of [...fds, null0, b]) close(fd);
});

test('a descriptor closed under its watch is forgotten', async () => {
  await using poller = new Poller();
  const first = eventfd();
  poller.watchFd(first, () => {});
  close(first);
  const second = eventfd();
  expect(second).toBe(first);
  const seen = Promise.withResolvers<void>();
  poller.watchFd(second, () => {
    eventfdRead(second);
    seen.resolve();
  });
  eventfdWrite(second);
  await seen.promise;
  poller.unwatch(second);
  close(second);
});

test('watching twice, a regular file, or after the end is refused', async () => {
  const poller = new Poller();
  const fd = eventfd();
  poller.watchFd(fd, () => {});
  expect(codeOf(() => poller.watchFd(fd, () => {}))).toBe('EEXIST');
  const file = open(new URL(import.meta.url).pathname, constants.O_RDONLY);
  expect(codeOf(() => poller.watchFd(file, () => {}))).toBe('EPERM');
  await poller[Symbol.asyncDispose]();
  await poller[Symbol.asyncDispose]();
  expect(() => poller.watchFd(fd, () => {})).toThrow(expect.objectContaining({ kind: 'unavailable' }));
  close(fd);
  close(file);
});

test('making and disposing pollers leaks no descriptor', async () => {
  const child = spawn('sleep', ['60']);
  {
    await using warm = new Poller();
    warm.watchPid(child.pid as number)[Symbol.dispose]();
  }
  const before = openFds();
  for (let i = 0; i < 5; i++) {
    await using poller = new Poller();
    using _ = poller.watchPid(child.pid as number);
  }
  expect(openFds()).toBe(before);
  child.kill('SIGKILL');
  await once(child, 'exit');
});
