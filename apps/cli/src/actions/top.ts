import { readFile } from 'node:fs/promises';
import { Fault, unlessAbsent } from '@stowage/core';
import type { Command } from 'commander';
import { open } from '../connection.ts';
import { parseProcessStat } from '../process-stat.ts';
import { table } from '../table.ts';

const COLUMNS = ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'];

/** Lists the processes of a container, with the ids that they have on the daemon's machine. */
export async function top(command: Command, id: string): Promise<void> {
  await using client = open(command);
  await client.container(id);
  const task = await client.task(id);
  const { status } = await task.status();
  if (status !== 'running' && status !== 'paused')
    throw new Fault('failed_precondition', `top of ${id}: it is ${status}; it must run`);
  const bootSeconds = await bootTime();
  const rows: string[][] = [];
  for (const { pid } of await task.pids()) {
    const row = await rowOf(pid, bootSeconds);
    if (row !== undefined) rows.push(row);
  }
  process.stdout.write(table(COLUMNS, rows));
}

/** Undefined if it has ended meanwhile. */
async function rowOf(pid: number, bootSeconds: number): Promise<string[] | undefined> {
  const read = (file: string) => unlessAbsent(readFile(`/proc/${pid}/${file}`, 'utf8')).catch(unlessEnded);
  const [stat, status, commandLine] = [await read('stat'), await read('status'), await read('cmdline')];
  if (stat === undefined || status === undefined || commandLine === undefined) return undefined;
  const { name, parent, terminal, cpuSeconds, startSeconds } = parseProcessStat(stat);
  const started = new Date((bootSeconds + startSeconds) * 1000);
  const ran = (Date.now() - started.getTime()) / 1000;
  const uid = /^Uid:\t(\d+)/m.exec(status)?.[1] ?? '?';
  const text = commandLine
    .split('\0')
    .filter((arg) => arg !== '')
    .join(' ');
  return [
    ...[uid, `${pid}`, `${parent}`, `${ran > 0 ? Math.floor((cpuSeconds / ran) * 100) : 0}`],
    ...[startText(started), terminal, durationText(cpuSeconds), text === '' ? `[${name}]` : text],
  ];
}

function unlessEnded(e: NodeJS.ErrnoException): undefined {
  if (e.code !== 'ESRCH') throw e;
  return undefined;
}

async function bootTime(): Promise<number> {
  const stat = await readFile('/proc/stat', 'utf8');
  return Number(/^btime (\d+)$/m.exec(stat)?.[1] ?? 0);
}

const two = (n: number) => `${Math.floor(n)}`.padStart(2, '0');

/** The time of today, the day of others, as ps has it. */
function startText(at: Date): string {
  const isToday = at.toDateString() === new Date().toDateString();
  return isToday
    ? `${two(at.getHours())}:${two(at.getMinutes())}`
    : at.toDateString().slice(4, 10).replace(' ', '');
}

function durationText(seconds: number): string {
  return `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
}
