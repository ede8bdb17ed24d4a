import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DisposalStack, Fault, type Logger } from '@stowage/core';
import { setSubreaper, tryLock } from '@stowage/linux';
import { cgroupLayout } from '@stowage/linux/cgroup';
import { Poller } from '@stowage/linux/poller';
import { startTime } from '@stowage/linux/reap';
import { socketPeerCredentials } from '@stowage/linux/sockets';
import { listen } from '@stowage/rpc/server';
import { taskRoutes } from '@stowage/runtime/service';
import { serveTtrpc } from '@stowage/ttrpc';
import {
  layout,
  type SupervisorFiles,
  type SupervisorInfo,
  supervisorDirectory,
  supervisorFiles,
} from '../layout.ts';
import { type ShimSettings, serveShim } from '../shim/serve-shim.ts';
import { adoptTasks } from './adopt.ts';
import { CommandRunner } from './command.ts';
import type { SupervisorContext } from './context.ts';
import { endTasks } from './end-tasks.ts';
import { EventLog } from './event-log.ts';
import { Handover } from './handover.ts';
import { explainErrno, intercepted, stampSeq } from './intercepted.ts';
import { leaveCgroup } from './leave-cgroup.ts';
import { NamespaceCgroups } from './namespace-cgroups.ts';
import { spareFromOom } from './oom-score.ts';
import { Reaper } from './reaper.ts';
import { RestingMounter } from './resting-mounter.ts';
import { supervisorRoutes } from './supervisor-service.ts';
import { TaskRegistry } from './task-registry.ts';
import { Undoings } from './undoings.ts';

export interface SupervisorSettings {
  readonly state: string;
  /** Names its directory, and it in the records of its tasks. */
  readonly name: string;
  readonly build: string;
  /** Which containers it has, for people to read; empty for all. */
  readonly group: string;
  readonly version: string;
  /** OCI runtime: name in PATH, or path. */
  readonly binary: string;
  /** Where the OCI runtime keeps its state. */
  readonly runtimeRoot: string;
  /** Given if it is the shim of a containerd, and not a daemon's. */
  readonly shim?: ShimSettings | undefined;
  /** Its service's end is its own, so it does not leave the service's cgroup. */
  readonly stay: boolean;
  readonly log: Logger;
}

/**
 * Turns this process into a supervisor of a state directory: takes over what an earlier one of its name left, and serves
 * until it is told to stop or dies. Containers outlive it either way, unless it is told to end them.
 *
 * It changes the process itself (umask, working directory, subreaper), so it must be all that the process is.
 *
 * @throws Fault `failed_precondition` if another process has the name, or the tasks.
 */
export async function runSupervisor(settings: SupervisorSettings): Promise<void> {
  const { state, name, build, version, shim, log } = settings;
  const at = layout(state);
  const files = supervisorFiles(supervisorDirectory(at, name));
  process.umask(0o022);
  process.chdir('/');
  for (const path of [at.tasks, at.runtime, files.directory]) {
    await mkdir(path, { recursive: true, mode: 0o700 });
  }
  // Never given back: whoever gets them later knows that this process is dead.
  if (tryLock(files.lock) === undefined || (shim !== undefined && tryLock(at.lock) === undefined)) {
    throw new Fault('failed_precondition', `supervise ${state}: another supervisor has its tasks`);
  }
  setSubreaper(true);
  // It alone keeps the process going while a task is taken over: nobody is connected yet.
  const poller = new Poller({ ref: true });
  const reaper = new Reaper(poller, log);
  const events = await EventLog.open(shim === undefined ? files.events : at.events, log);
  const handover = new Handover(files.handover, log);
  const oomScore = await spareFromOom();
  const cgroups = await cgroupLayout();
  if (!settings.stay) await leaveCgroup(cgroups, log);
  const namespaceCgroups = new NamespaceCgroups(cgroups, join(state, 'cgroups.lock'));
  let consoles = 0;
  const context: SupervisorContext = {
    ...{ events, reaper, poller, handover, log, version },
    // containerd's services are spared; what its containers are is for their specs to say.
    commands: new CommandRunner({
      reaper,
      oomScore: shim === undefined ? oomScore : oomScore && '0',
    }),
    mounter: new RestingMounter(),
    cgroups,
    namespaceCgroups,
    undoings: new Undoings(namespaceCgroups),
    systemd: await systemdRuns(),
    defaults: { binary: settings.binary, root: settings.runtimeRoot },
    owner: name,
    tasks: at.tasks,
    consolePath: () => join(files.directory, `c${++consoles}`),
  };
  const registry = new TaskRegistry(context);
  await adoptTasks(context, registry, shim === undefined ? name : undefined);

  const takeOver = async (owner: string) => {
    const { directory, lock } = supervisorFiles(supervisorDirectory(at, owner));
    await mkdir(directory, { recursive: true, mode: 0o700 });
    using held = tryLock(lock);
    if (held === undefined) {
      throw new Fault('unavailable', `take over the tasks of ${owner}: it lives, or somebody is at it`);
    }
    await adoptTasks(context, registry, owner);
    log.info({ owner, tasks: registry.size }, 'tasks taken over');
  };
  const stop = async ({ killTasks }: { killTasks: boolean }) => {
    if (killTasks) await endTasks(registry, log);
    if (registry.size > 0) {
      throw new Fault(
        'failed_precondition',
        `stop supervisor: it has ${registry.size} tasks; end them first`,
      );
    }
    setImmediate(leave);
  };
  const ends = new DisposalStack();
  ends.use(events);
  ends.use(context.namespaceCgroups);
  const leave = () => void ends.disposeAsync().finally(() => process.exit(0));
  const around = [stampSeq(() => events.seq), explainErrno];
  const tasks = (version: 2 | 3, namespace = '') =>
    intercepted(
      taskRoutes((scope) => registry.scope(scope.namespace === '' ? { namespace } : scope), version),
      around,
    );
  const own = supervisorRoutes({ registry, events, handover, version, build, takeOver, stop });
  const guard = { mode: 0o600, peer: socketPeerCredentials, log };
  ends.use(await listen({ ...guard, address: { path: files.sock, mode: 0o600 }, routes: [tasks(3), own] }));
  ends.use(
    shim === undefined
      ? await serveTtrpc({ ...guard, path: files.ttrpc, routes: [tasks(3)] })
      : await serveShim({
          ...shim,
          ...{ state, files, registry, events, log, leave },
          routes: (namespace) => [tasks(3, namespace), tasks(2, namespace), own],
        }),
  );
  process.on('SIGTERM', leave);
  await writeInfo(files, settings);
  log.info({ pid: process.pid, name, tasks: registry.size }, 'supervisor is ready');
}

/** @see sd_booted(3) */
async function systemdRuns(): Promise<boolean> {
  return (await stat('/run/systemd/system').catch(() => undefined))?.isDirectory() ?? false;
}

async function writeInfo(
  { info }: SupervisorFiles,
  { build, version, group }: SupervisorSettings,
): Promise<void> {
  const { pid } = process;
  const facts: SupervisorInfo = {
    ...{ pid, build, version, group },
    startTime: String(startTime(pid)),
    node: process.execPath,
  };
  await writeFile(`${info}.new`, `${JSON.stringify(facts)}\n`, { mode: 0o600 });
  await rename(`${info}.new`, info);
}
