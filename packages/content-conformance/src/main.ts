import { printed, runCommand } from '@stowage/conformance/command';
import { type Arguments, HELP, parseArguments } from './arguments.ts';
import { report } from './bind.ts';
import { connectSocket, daemonSubject } from './daemon-subject.ts';

/** @returns how many cases failed. */
async function runCases({ socket, namespace, capabilities, cases, ...options }: Arguments): Promise<number> {
  await reach(socket, namespace);
  const connect = () => connectSocket(socket);
  const subject = daemonSubject({ name: socket, capabilities, namespace, connect });
  return printed(report(subject, cases, options));
}

/** A call that any content store answers, so that not every case need say that nobody does. */
async function reach(socket: string, namespace: string): Promise<void> {
  await using connection = connectSocket(socket);
  await Array.fromAsync(connection.content({ namespace }).statuses());
}

await runCommand('content-conformance', async () => {
  const args = parseArguments(process.argv.slice(2));
  if (args !== undefined) return runCases(args);
  process.stdout.write(HELP);
  return undefined;
});
