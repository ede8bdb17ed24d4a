import { Fault } from '@stowage/core';
import { type Arguments, HELP, parseArguments } from './arguments.ts';
import { connectSocket, daemonSubject } from './daemon-subject.ts';
import { type Outcome, report } from './report.ts';

const MARK: Readonly<Record<Outcome['how'], string>> = {
  passed: 'ok      ',
  failed: 'FAILED  ',
  skipped: 'skipped ',
  differs: 'differs ',
};

/** @returns how many cases failed. */
async function runCases({ socket, namespace, capabilities, cases, ...options }: Arguments): Promise<number> {
  await reach(socket, namespace);
  const connect = () => connectSocket(socket);
  const subject = daemonSubject({ name: socket, capabilities, namespace, connect });
  const counts = { passed: 0, failed: 0, differs: 0, skipped: 0 };
  for await (const { id, how, reason } of report(subject, cases, options)) {
    counts[how]++;
    process.stdout.write(`${MARK[how]}${id}${reason === '' ? '' : `: ${reason}`}\n`);
  }
  const sums = Object.entries(counts).map(([how, count]) => `${count} ${how}`);
  process.stdout.write(`${sums.join(', ')}\n`);
  return counts.failed;
}

/** A call that any content store answers, so that not every case need say that nobody does. */
async function reach(socket: string, namespace: string): Promise<void> {
  await using connection = connectSocket(socket);
  await Array.fromAsync(connection.content({ namespace }).statuses());
}

try {
  const args = parseArguments(process.argv.slice(2));
  if (args === undefined) process.stdout.write(HELP);
  // Not left to Node: a case that was given up may hold a connection.
  else process.exit((await runCases(args)) === 0 ? 0 : 1);
} catch (e) {
  if (!Fault.is(e)) throw e;
  process.stderr.write(`content-conformance: ${e.message}\n`);
  process.exitCode = 2;
}
