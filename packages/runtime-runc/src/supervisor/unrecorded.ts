import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { unlessAbsent } from '@stowage/core';
import { isClaimOf, isUnrecorded } from './task-record.ts';

/**
 * Removes what a supervisor left of tasks that it died over writing down first, or over deleting: nobody was told of the
 * first, and the others are gone.
 *
 * @param tasks - the directory of tasks, `<namespace>/<id>`.
 * @param owner - name of the dead one; undefined for any, where no other one may live.
 */
export async function removeUnrecorded(tasks: string, owner: string | undefined): Promise<void> {
  for (const namespace of await directoriesIn(tasks)) {
    for (const id of await directoriesIn(join(tasks, namespace))) {
      const directory = join(tasks, namespace, id);
      if (isClaimOf(id, owner) || (await isUnrecorded(directory)))
        await rm(directory, { recursive: true, force: true });
    }
  }
}

/** Their names; none if there is no such directory. */
export async function directoriesIn(directory: string): Promise<string[]> {
  const entries = (await unlessAbsent(readdir(directory, { withFileTypes: true }))) ?? [];
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}
