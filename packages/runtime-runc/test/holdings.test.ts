import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { silentLogger } from '@stowage/core';
import { close, mkfifo, openFifo } from '@stowage/linux';
import { Poller } from '@stowage/linux/poller';
import type { ProcessState } from '@stowage/runtime';
import { Holdings } from '../src/daemon/holdings.ts';
import { ProcessTable } from '../src/daemon/process-table.ts';
import { TableSource } from '../src/daemon/table-source.ts';
import { CommandRunner } from '../src/supervisor/command.ts';
import { Handover } from '../src/supervisor/handover.ts';
import type { LoggerHost } from '../src/supervisor/logging-binary.ts';
import { PlainIO } from '../src/supervisor/plain-io.ts';
import { Reaper } from '../src/supervisor/reaper.ts';
import { TaskProcess } from '../src/supervisor/task-process.ts';
import { eventually } from './fixtures/workbench.ts';

/** More than a socket has room for. */
const MANY = 600;

const ref = (i: number) => ({ namespace: 'ns', id: `c${i}`, execId: '' });

async function openIn(directory: string): Promise<number> {
  const fds = await readdir('/proc/self/fd');
  const links = await Promise.all(fds.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
  return links.filter((link) => link.startsWith(`${directory}/in`)).length;
}

test('hundreds of standard inputs go to a daemon, and on to the next supervisor, each to its own process', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdings-'));
  await using poller = new Poller();
  using reaper = new Reaper(poller, silentLogger);
  const commands = new CommandRunner({ reaper });
  const fifo = (i: number) => join(directory, `in${i}`);

  /** A running process, as a supervisor that starts finds it. */
  async function adopted(i: number, startTime = `${i}`): Promise<TaskProcess> {
    const stdio = { stdin: fifo(i), stdout: '', stderr: '', terminal: false };
    const process = TaskProcess.fromRecord(`c${i}`, { phase: 'running', pid: 1000 + i, startTime, stdio });
    const host: LoggerHost = {
      ...ref(i),
      files: join(directory, `c${i}`),
      reaper,
      commands,
      log: silentLogger,
    };
    process.io = await PlainIO.adopt(process, host);
    return process;
  }
  const indices = Array.from({ length: MANY }, (_, i) => i);
  const ends: number[] = [];
  for (const i of indices) {
    mkfifo(fifo(i), 0o600);
    ends.push(openFifo(fifo(i), 'read', { nonblocking: true }));
  }

  const holdings = new Holdings(silentLogger);
  {
    using first = new Handover(join(directory, 'first'), silentLogger);
    const processes = await Promise.all(indices.map((i) => adopted(i)));
    processes.forEach((process, i) => {
      first.keep(ref(i), process);
    });
    await holdings.handOver(join(directory, 'first'), async () => first.settle());
    first.settle();
    holdings.receive();
    // All that a socket holds at once: the rest follows while the daemon takes it.
    expect(holdings.size).toBeLessThan(MANY);
    await eventually(() => holdings.size === MANY, 20_000);
    for (const process of processes) process.io?.close();
  }
  expect(await openIn(directory)).toBe(2 * MANY);

  // With nothing at their paths, they can only be had from the daemon.
  await Promise.all(indices.map((i) => rm(fifo(i))));
  using second = new Handover(join(directory, 'second'), silentLogger);
  // The first is another process by now, of the same name and pid.
  const processes = await Promise.all(indices.map((i) => adopted(i, i === 0 ? '999' : `${i}`)));
  processes.forEach((process, i) => {
    second.keep(ref(i), process);
  });
  let calls = 0;
  await holdings.handOver(join(directory, 'second'), async () => {
    calls++;
    second.settle();
  });
  second.settle();
  expect(calls).toBeGreaterThan(0);
  expect(processes.filter((process) => process.io?.handles().stdin !== undefined)).toHaveLength(MANY - 1);
  expect(processes[0]?.io?.handles()).toEqual({});

  const table = new ProcessTable();
  const state = (i: number): ProcessState => ({
    ...{ id: `c${i}`, execId: '', bundle: '', pid: 1000 + i, exitStatus: 0, terminal: false },
    ...{ stdin: '', stdout: '', stderr: '', status: i < 100 ? 'running' : 'stopped' },
  });
  table.reset(
    new TableSource('second'),
    1,
    indices.slice(0, MANY / 2).map((i) => ({ namespace: 'ns', state: state(i) })),
  );
  await eventually(() => {
    holdings.receive();
    holdings.prune(table);
    return holdings.size < 101;
  });
  holdings[Symbol.dispose]();
  for (const process of processes) process.io?.close();
  for (const fd of ends) close(fd);
  expect(await openIn(directory)).toBe(0);
  await rm(directory, { recursive: true });
});
