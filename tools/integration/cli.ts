import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { type RunOptions, type RunResult, run } from '@stowage/testing';

/** The command as people start it: its launcher, and the bundle that it finds. Unless STOWAGE_CLI names another. */
export const CLI = process.env.STOWAGE_CLI ?? join(import.meta.dirname, '../../apps/cli/bin/stowage.mjs');

/** Where it keeps logs: beside the daemon's own. */
export const stateOf = (address: string): string => join(dirname(address), '..', 'cli');

/** Runs the CLI against a socket. */
export function stowage(
  address: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const env = { STOWAGE_CLI_STATE: stateOf(address), ...options.env };
  return run(process.execPath, [CLI, '--address', address, ...args], { ...options, env });
}

/** Runs one that must succeed. @returns its standard output. */
export async function mustStowage(
  address: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<string> {
  const { code, stdout, stderr } = await stowage(address, args, options);
  if (code !== 0) throw new Error(`stowage ${args.join(' ')}: exit code ${code}\n${stderr}${stdout}`);
  return stdout;
}

export interface Begun {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
  readonly end: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

/** Starts one that goes on, to be sent signals. Its input stays open. */
export function beginStowage(address: string, args: readonly string[]): Begun {
  const child = spawn(process.execPath, [CLI, '--address', address, ...args], {
    env: { ...process.env, NODE_OPTIONS: '', STOWAGE_CLI_STATE: stateOf(address) },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const end = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  return { child, out: () => out, err: () => err, end };
}
