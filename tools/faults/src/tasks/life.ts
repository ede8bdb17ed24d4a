import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Fault } from '@stowage/core';
import { Servant } from './servant.ts';
import type { Yard } from './yard.ts';

/** 128 + SIGKILL */
const KILLED = 137;

/**
 * All that a client does with one container: make it, talk to it, add a process, be told of its exit, remove it.
 *
 * @throws if anything of that is not as it must be.
 */
export async function wholeLife(yard: Yard, id: string): Promise<void> {
  await using servant = await Servant.run(yard, id);
  yard.did(3);
  await servant.say('hello');
  await addProcess(yard, id);
  const exit = yard.client.services.tasks.wait({ containerId: id });
  servant.exit(5);
  const { exitStatus } = await exit;
  if (exitStatus !== 5) throw unlike(yard, id, exitStatus, `${id} exited with ${exitStatus}, must be 5`);
  await yard.client.services.tasks.delete(id);
  await servant.container.delete();
  yard.did(3);
}

/** Adds a process to a running container, and holds it to what it prints and exits with. */
export async function addProcess(yard: Yard, id: string): Promise<void> {
  const task = await yard.client.task(id);
  const stdout = new PassThrough();
  const printed = buffer(stdout);
  const args = ['/bin/sh', '-c', 'echo added; exit 6'];
  const process = { args, cwd: '/', env: ['PATH=/bin'], user: { uid: 0, gid: 0 } };
  await using exec = await task.exec({ execId: `added-${yard.next()}`, process, io: { stdout } });
  const finished = exec.finished();
  finished.catch(() => undefined);
  await exec.start();
  const { exitStatus } = await finished;
  stdout.end();
  const text = (await printed).toString();
  if (exitStatus !== 6 || text !== 'added\n')
    throw unlike(
      yard,
      id,
      exitStatus,
      `process added to ${id}: exit ${exitStatus}, printed ${JSON.stringify(text)}`,
    );
  yard.did(3);
}

/** A failure like others where the nemesis killed the process; else it is an end that nothing explains. */
function unlike(yard: Yard, id: string, exitStatus: number, message: string): Error {
  return exitStatus === KILLED && yard.struck.has(id) ? new Fault('aborted', message) : new Error(message);
}
