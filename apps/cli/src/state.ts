import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { unlessAbsent } from '@stowage/core';
import type { Command } from 'commander';
import type { GlobalOptions } from './global-options.ts';

/** Where this tool keeps what is not the daemon's: logs, and the FIFOs of terminals that are left. */
function stateRoot(): string {
  const { STOWAGE_CLI_STATE, XDG_STATE_HOME } = process.env;
  if (STOWAGE_CLI_STATE) return resolve(STOWAGE_CLI_STATE);
  if (process.getuid?.() === 0) return '/var/lib/stowage/cli';
  return join(XDG_STATE_HOME || join(homedir(), '.local/state'), 'stowage');
}

/** The directory of a container's files, which may not be there. Containers of another daemon have others. */
export async function containerDir(command: Command, id: string): Promise<string> {
  const { address, namespace, embedded, root } = command.optsWithGlobals<GlobalOptions>();
  const path = resolve(embedded === true ? root : address.replace(/^unix:\/\//, ''));
  const real = (await unlessAbsent(realpath(path))) ?? path;
  const daemon = createHash('sha256').update(real).digest('hex').slice(0, 8);
  return join(stateRoot(), daemon, namespace, id);
}

/**
 * Whether a container's log lies in a directory of this tool's, as it does unless somebody else made the label: only then
 * is it removed with the container.
 */
export function isOwnLog(path: string, namespace: string, id: string): boolean {
  const [daemon = '', ...rest] = relative(stateRoot(), path).split('/');
  return /^[0-9a-f]{8}$/.test(daemon) && rest.join('/') === `${namespace}/${id}/log`;
}
