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
  const held: Disposable[] = [];
  const release = () => {
    for (const lock of held.splice(0).reverse()) lock[Symbol.dispose]();
  };
  try {
    for (const directory of new Set([root, state])) {
      await makePrivate(directory);
      held.push(await lockDirectory(directory, holder));
    }
  } catch (e) {
    release();
    throw e;
  }
  return { [Symbol.dispose]: release };
}
