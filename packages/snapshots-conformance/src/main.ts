import { printed, runCommand } from '@stowage/conformance/command';
import { Fault, reasonOf } from '@stowage/core';
import { type Arguments, HELP, parseArguments } from './arguments.ts';
import { report } from './bind.ts';
import { cases } from './cases/index.ts';
import { connectSocket, daemonSubject } from './daemon-subject.ts';
import type { Subject } from './subject.ts';

/** @returns how many cases failed. */
async function runCases(args: Arguments): Promise<number> {
  const { socket, snapshotter, namespace, capabilities, remote, cases: chosen, ...options } = args;
  await reach(args);
  const mount = capabilities.has('mounts') ? await mounting() : undefined;
  const connect = () => connectSocket(socket, snapshotter);
  const subject = daemonSubject({ name: socket, capabilities, namespace, remote, connect, mount });
  return printed(report(subject, chosen, options));
}

/** A call that any snapshotter answers, so that not every case need say that nobody does. */
async function reach({ socket, snapshotter, namespace }: Arguments): Promise<void> {
  await using connection = connectSocket(socket, snapshotter);
  await Array.fromAsync(connection.snapshotter({ namespace }).list(['name==""']));
}

/** Makes mounts for as long as this process lives. @throws Fault `unimplemented` where that cannot be. */
async function mounting(): Promise<Subject['mount']> {
  try {
    const { Mounter } = await import('@stowage/linux/mounter');
    const mounter = new Mounter();
    return mounter.withMount.bind(mounter);
  } catch (e) {
    const reason = 'needs Linux, and @stowage/linux installed beside the kit';
    throw new Fault('unimplemented', `--with mounts: ${reason} (${reasonOf(e)})`, { cause: e });
  }
}

function listCases(): string {
  const lines = cases.map(({ id, needs = [], without, deprecated }) => {
    const about = [
      ...needs.map((need) => `needs ${need}`),
      ...(without === undefined ? [] : [`without ${without}`]),
      ...(deprecated === undefined ? [] : [`deprecated: ${deprecated}`]),
    ];
    return about.length === 0 ? id : `${id} (${about.join(', ')})`;
  });
  return `${lines.join('\n')}\n`;
}

await runCommand('snapshots-conformance', async () => {
  const args = parseArguments(process.argv.slice(2));
  if (args !== 'help' && args !== 'list') return runCases(args);
  process.stdout.write(args === 'help' ? HELP : listCases());
  return undefined;
});
