import { mkdir, open, readdir, readFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { errnoOf, Fault, type Logger, reasonOf, unlessAbsent } from '@stowage/core';
import { close, tryLock } from '@stowage/linux';
import { reapKnown } from '@stowage/linux/reap';
import { socketPair } from '@stowage/linux/sockets';
import { spawnProcess } from '@stowage/linux/spawn';
import {
  isSupervisorName,
  layout,
  type SupervisorFiles,
  type SupervisorInfo,
  supervisorDirectory,
  supervisorFiles,
} from '../layout.ts';
import type { ShimSettings } from '../shim/serve-shim.ts';
import { VERSION } from '../version.ts';
import { type Group, supervisorName } from './groups.ts';
import { installProgram } from './install.ts';
import type { SupervisorProgram } from './program.ts';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface LaunchOptions {
  readonly state: string;
  readonly program: SupervisorProgram;
  /** Which containers it shall have: default all. */
  readonly group?: Group | undefined;
  /** OCI runtime: name in PATH, or path. */
  readonly binary: string;
  readonly runtimeRoot: string;
  /** Given if it shall be the shim of a containerd. */
  readonly shim?: ShimSettings | undefined;
  /** It ends with this process, so it stays in its cgroup. */
  readonly stay?: boolean | undefined;
  readonly log: Logger;
}

/** A supervisor that serves. */
export interface FoundSupervisor {
  readonly name: string;
  readonly files: SupervisorFiles;
  readonly info: SupervisorInfo;
}

/** The supervisor of a name, if it serves; it may hang. */
export async function findSupervisor(state: string, name: string): Promise<FoundSupervisor | undefined> {
  const files = supervisorFiles(supervisorDirectory(layout(state), name));
  return (await isServed(files)) ? { name, files, info: await readInfo(files) } : undefined;
}

/** All supervisors of a state directory that serve, of whatever build. */
export async function findSupervisors(state: string): Promise<FoundSupervisor[]> {
  const found = await Promise.all((await supervisorNames(state)).map((name) => findSupervisor(state, name)));
  return found.filter((one) => one !== undefined);
}

/** The names of all supervisors that serve, or did when they died. */
export async function supervisorNames(state: string): Promise<string[]> {
  return (await namesIn(layout(state).supervisors)).filter(isSupervisorName);
}

/** Starts a supervisor, detached from this process, and waits until it serves. */
export async function launchSupervisor(options: LaunchOptions): Promise<FoundSupervisor> {
  const { state, program, group = { key: '', label: '' } } = options;
  const at = layout(state);
  const name = supervisorName(program.build, group);
  const files = supervisorFiles(supervisorDirectory(at, name));
  await mkdir(files.directory, { recursive: true, mode: 0o700 });
  const entry = await installProgram(program, join(at.programs, program.build));
  const settings = {
    ...{ state, name, build: program.build, group: group.label, version: VERSION },
    runtime: options.binary,
    'runtime-root': options.runtimeRoot,
    ...(options.shim && { containerd: options.shim.containerd, 'idle-ms': String(options.shim.idleMs) }),
  };
  const args = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
  if (options.stay === true) args.push('--stay');
  const { pid, said } = await start([...program.execArgv, entry, ...args], files.log);
  if (said !== 'ready') {
    reapKnown(pid);
    const why = said === '' ? 'it ended without a word' : said;
    throw new Fault('unavailable', `start supervisor: ${why}; its log is ${files.log}`);
  }
  options.log.info({ pid, name }, 'supervisor started');
  return { name, files, info: await readInfo(files) };
}

/** It says one line, by descriptor 3: `ready`, or why not. */
async function start(args: readonly string[], logPath: string): Promise<{ pid: number; said: string }> {
  await using output = await open(logPath, 'a', 0o600);
  const [ours, theirs] = socketPair();
  const socket = new Socket({ fd: ours });
  let pid: number;
  try {
    pid = spawnProcess({
      file: process.execPath,
      args,
      // No options for node of whoever started the daemon, nor secrets of its environment.
      // One arena, or each thread keeps memory of its own.
      env: { PATH: process.env.PATH ?? DEFAULT_PATH, LANG: 'C.UTF-8', MALLOC_ARENA_MAX: '1' },
      fds: [null, output.fd, output.fd, theirs],
      newSession: true,
      closeOthers: true,
    });
  } catch (e) {
    socket.destroy();
    throw new Fault('unavailable', `start supervisor: ${reasonOf(e)}`, { cause: e });
  } finally {
    close(theirs);
  }
  return { pid, said: (await text(socket).catch(reasonOf)).trim() };
}

async function isServed({ lock, info }: SupervisorFiles): Promise<boolean> {
  // Taking the lock would make it; without info nobody ever served here.
  if ((await fileThere(info)) === false) return false;
  const free = tryLock(lock);
  free?.[Symbol.dispose]();
  return free === undefined;
}

async function readInfo({ info }: SupervisorFiles): Promise<SupervisorInfo> {
  return JSON.parse(await readFile(info, 'utf8')) as SupervisorInfo;
}

async function fileThere(path: string): Promise<boolean> {
  try {
    await using _ = await open(path, 'r');
    return true;
  } catch (e) {
    if (errnoOf(e) === 'ENOENT') return false;
    throw e;
  }
}

async function namesIn(directory: string): Promise<string[]> {
  return (await unlessAbsent(readdir(directory))) ?? [];
}
