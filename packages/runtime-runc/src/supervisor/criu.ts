import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '@stowage/core';
import { criuErrors } from './criu-log.ts';
import type { CriuRun } from './oci-runtime.ts';

export interface WithCriu {
  /** Of the task. */
  readonly directory: string;
  /** Of the program, if the task's options named one. */
  readonly path: string | undefined;
  /** Where CRIU works, and logs; a directory of the task's if undefined, which is removed. */
  readonly workPath: string | undefined;
  /** Lines of a CRIU configuration. */
  readonly settings: readonly string[];
  readonly log: 'dump.log' | 'restore.log';
}

/**
 * Has a runtime run CRIU. Settings go by a file that CRIU itself reads, beside any that the machine or the container's
 * annotations name; the program goes by PATH, where runc 1.1 and later look for it.
 *
 * @throws what `run` does; of a failure of the runtime, with CRIU's last errors.
 */
export async function withCriu(
  { directory, path, workPath, settings, log }: WithCriu,
  run: (how: CriuRun) => Promise<void>,
): Promise<void> {
  const own = join(directory, 'criu');
  await rm(own, { recursive: true, force: true });
  await mkdir(join(own, 'work'), { recursive: true, mode: 0o700 });
  const work = workPath ?? join(own, 'work');
  const configFile = join(own, 'criu.conf');
  try {
    await mkdir(work, { recursive: true, mode: 0o700 });
    await writeFile(configFile, settings.map((line) => `${line}\n`).join(''), { mode: 0o600 });
    if (path !== undefined) await symlink(path, join(own, 'criu'));
    await run({ workPath: work, configFile, searchFirst: path === undefined ? undefined : own });
  } catch (e) {
    if (!Fault.is(e)) throw e;
    const errors = await criuErrors(work, log);
    if (errors === undefined) throw e;
    // What the runtime says of a log is of no use once that is removed.
    const message = workPath === undefined ? e.message.replace(/\s*log file: \S+/, '') : e.message;
    throw new Fault(e.kind, `${message}; CRIU: ${errors}`, { cause: e });
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}
