import { Fault, reasonOf } from '@stowage/core';
import type { NamespaceCgroups } from './namespace-cgroups.ts';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 1000;

interface Subject {
  readonly namespace: string;
  readonly id: string;
}

interface Undoing {
  readonly undo: () => Promise<void>;
  running: Promise<void> | undefined;
  timer: NodeJS.Timeout | undefined;
}

/** What could not be undone of tasks that nobody was told of: it is tried again until it can. */
export class Undoings {
  readonly #cgroups: Pick<NamespaceCgroups, 'add' | 'remove'>;
  readonly #left = new Map<string, Undoing>();

  constructor(cgroups: Pick<NamespaceCgroups, 'add' | 'remove'>) {
    this.#cgroups = cgroups;
  }

  keep(subject: Subject, undo: () => Promise<void>): void {
    const undoing: Undoing = { undo, running: undefined, timer: undefined };
    this.#left.set(keyOf(subject), undoing);
    // What is left holds the namespace's control group.
    this.#cgroups.add(subject.namespace);
    this.#later(subject, undoing, FIRST_RETRY_MS);
  }

  /**
   * To be called before a task of that name is made.
   *
   * @throws Fault `unavailable` while something of an earlier one is left that can't be removed.
   */
  async finish(subject: Subject): Promise<void> {
    const undoing = this.#left.get(keyOf(subject));
    if (undoing === undefined) return;
    try {
      await this.#try(subject, undoing);
    } catch (e) {
      const text = `create task ${subject.id}: what a failed attempt left can't be removed yet: ${reasonOf(e)}`;
      throw new Fault('unavailable', text, { cause: e });
    }
  }

  #later(subject: Subject, undoing: Undoing, delayMs: number): void {
    const retry = () =>
      this.#try(subject, undoing).catch(() =>
        this.#later(subject, undoing, Math.min(delayMs * 2, LAST_RETRY_MS)),
      );
    undoing.timer = setTimeout(() => void retry(), delayMs).unref();
  }

  #try(subject: Subject, undoing: Undoing): Promise<void> {
    undoing.running ??= undoing.undo().then(
      () => {
        clearTimeout(undoing.timer);
        this.#left.delete(keyOf(subject));
        this.#cgroups.remove(subject.namespace);
      },
      (e: unknown) => {
        undoing.running = undefined;
        throw e;
      },
    );
    return undoing.running;
  }
}

/** A namespace is an identifier, so it holds no slash. */
const keyOf = ({ namespace, id }: Subject): string => `${namespace}/${id}`;
