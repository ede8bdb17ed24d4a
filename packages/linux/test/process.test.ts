import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { close, pidfdExit, pidfdOpen, pidfdSendSignal, setUmask, waitpid } from '../src/index.ts';
import { exitOfStranger, isSameProcess, parseProcessStat, processStat, startTime } from '../src/reap.ts';
import { codeOf } from './fixtures/temp.ts';

const pidOf = (child: ChildProcess): number => child.pid as number;

test('a pidfd signals its process, and tells its exit once it is reaped', async () => {
  const child = spawn('sleep', ['60']);
  const pidfd = pidfdOpen(pidOf(child));
  expect(pidfdExit(pidfd)).toBe('unknown');
  pidfdSendSignal(pidfd, 'SIGTERM');
  expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
  expect(pidfdExit(pidfd)).toEqual({ status: undefined, signal: constants.signals.SIGTERM });
  expect(codeOf(() => pidfdSendSignal(pidfd, 0))).toBe('ESRCH');
  expect(codeOf(() => pidfdOpen(pidOf(child)))).toBe('ESRCH');
  close(pidfd);
});

test('waitpid asks after one child and no other', async () => {
  const child = spawn('sleep', ['60']);
  expect(waitpid(pidOf(child))).toEqual({ exited: false });
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(codeOf(() => waitpid(pidOf(child)))).toBe('ECHILD');
  for (const pid of [-1, 0, 1.5, Number.NaN]) expect(codeOf(() => waitpid(pid))).toBe('EINVAL');
});

test('the umask is set and returned', () => {
  const old = setUmask(0o027);
  expect(process.umask()).toBe(0o027);
  expect(setUmask(old)).toBe(0o027);
});

test('a command with blanks and parentheses does not shift the fields of stat', () => {
  const fields = [
    'S',
    '7',
    ...Array.from({ length: 17 }, (_, i) => `${i}`),
    '424242',
    ...Array(29).fill('0'),
    '256',
  ];
  expect(parseProcessStat(`12 (a) b (c) ${fields.join(' ')}\n`)).toEqual({
    pid: 12,
    comm: 'a) b (c',
    state: 'S',
    exiting: true,
    parentPid: 7,
    session: 1,
    startTime: 424_242n,
    waitStatus: 256,
  });
});

test('a pid with its start time names one process', () => {
  const since = startTime(process.pid) as bigint;
  expect(isSameProcess(process.pid, since)).toBe(true);
  expect(isSameProcess(process.pid, since + 1n)).toBe(false);
  expect(processStat(process.pid)).toMatchObject({ pid: process.pid, parentPid: process.ppid });
  expect(processStat(2 ** 22 + 1)).toBeUndefined();
});

test("a stranger's exit is read while it is a zombie, and after", async () => {
  // The parent of the process reaps it on demand.
  const parent = spawn('python3', [
    '-c',
    `import os,sys
for code in (7,9):
  r,w=os.pipe()
  pid=os.fork()
  if pid==0:
    os.read(r,1); os._exit(code)
  print(pid,flush=True); sys.stdin.readline(); os.write(w,b'x')
  os.waitid(os.P_PID,pid,os.WEXITED|os.WNOWAIT)
  print('zombie',flush=True); sys.stdin.readline()
  os.waitpid(pid,0); print('reaped',flush=True); sys.stdin.readline()`,
  ]);
  const lines = createInterface(parent.stdout)[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value;
  for (const status of [7, 9]) {
    const pid = Number(await next());
    const pidfd = pidfdOpen(pid);
    parent.stdin.write('\n');
    expect(await next()).toBe('zombie');
    expect(exitOfStranger(pid, pidfd)).toEqual({ status, signal: undefined, certain: true });
    parent.stdin.write('\n');
    expect(await next()).toBe('reaped');
    const kept = pidfdExit(pidfd) !== 'unsupported';
    expect(exitOfStranger(pid, pidfd)).toEqual({
      status: kept ? status : 255,
      signal: undefined,
      certain: kept,
    });
    close(pidfd);
    parent.stdin.write('\n');
  }
  await once(parent, 'exit');
});

test('a subreaper adopts, tells orphans from its own, and leaves those of child_process alone', () => {
  const output = execFileSync(process.execPath, [
    fileURLToPath(new URL('./fixtures/reaper.ts', import.meta.url)),
  ]);
  expect(JSON.parse(String(output))).toEqual({
    subreaper: true,
    adopted: 3,
    known: { exited: true, status: 3 },
    orphans: [{ status: 4 }],
    swept: [[], [{ signal: 9 }]],
    own: [5, null],
    left: 0,
  });
});

test('nobody made this process a subreaper', async () => {
  const { isSubreaper } = await import('../src/index.ts');
  expect(isSubreaper()).toBe(false);
  await delay(0);
});
