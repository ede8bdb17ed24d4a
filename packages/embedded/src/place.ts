import { makePrivate } from './directories.ts';
import { lockDirectory } from './directory-lock.ts';

export { makePassable } from './directories.ts';
export { lockDirectory } from './directory-lock.ts';

export interface Place {
  /** What lasts. */
  readonly root: string;
  /** What goes at reboot. */
  readonly state: string;
}

/**
 * Makes the directories of a daemon or engine, if they are not there, and holds them until disposed or dead.
 *
 * @param holder - what others are told that want them.
 * @throws Fault `failed_precondition` saying who holds them.
 */
export async function takePlace({ root, state }: Place, holder: string): Promise<Disposable> {
  using held = new DisposableStack();
  for (const directory of new Set([root, state])) {
    await makePrivate(directory);
    held.use(await lockDirectory(directory, holder));
  }
  return held.move();
}
