import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { errnoOf } from '@stowage/core';
import { VERSION } from '../version.ts';

/** What a supervisor is started from. */
export interface SupervisorProgram {
  /** Names the directory that it runs in; differs wherever the code does. */
  readonly build: string;
  readonly entry: string;
  /** Options of node itself. */
  readonly execArgv: readonly string[];
  /** The entry and the workers that it starts: to be copied before it runs. Undefined: it runs where it lies. */
  readonly bundle: ReadonlyMap<string, Uint8Array> | undefined;
}

const BUNDLE = 'stowage-supervisor.js';
/** Beside the bundle, under the names by which it looks for them. */
const WORKERS = ['linux-mount-worker.js', 'linux-poll-worker.js'];

/** A short-lived object dies soon or late all the same; room for 16 MiB of them, node's default, is never given back. */
const SMALL: readonly string[] = ['--max-semi-space-size=1'];

/**
 * Finds the supervisor's code beside this module: sources, compiled modules, or the bundle beside the daemon's.
 *
 * Only the bundle is copied away and so survives an upgrade of the package under a supervisor that runs.
 */
export async function supervisorProgram(): Promise<SupervisorProgram> {
  const beside = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  if (import.meta.url.endsWith('.ts')) {
    const execArgv = [...SMALL, '--conditions=stowage-source', '--disable-warning=ExperimentalWarning'];
    return { build: 'source', entry: beside('../supervisor-main.ts'), execArgv, bundle: undefined };
  }
  const bundle = new Map<string, Uint8Array>();
  try {
    for (const name of [BUNDLE, ...WORKERS]) bundle.set(name, await readFile(beside(name)));
  } catch (e) {
    if (errnoOf(e) !== 'ENOENT') throw e;
    return {
      build: `v${VERSION}`,
      entry: beside('../supervisor-main.js'),
      execArgv: SMALL,
      bundle: undefined,
    };
  }
  const hash = createHash('sha256');
  for (const bytes of bundle.values()) hash.update(bytes);
  return { build: hash.digest('hex').slice(0, 12), entry: BUNDLE, execArgv: SMALL, bundle };
}
