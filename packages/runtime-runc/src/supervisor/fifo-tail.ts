import { errnoOf } from '@stowage/core';
import { close, fionread, openFifo } from '@stowage/linux';

const SHORTEST_LOOK_MS = 1;
const LONGEST_LOOK_MS = 500;

/**
 * The far end of a process's output FIFO, held so that nothing in it is lost and its reader sees the end at the
 * right moment.
 *
 * From the spawn to the exit an own reading end is open and never read: whoever reads is the client, whenever it
 * likes. After the exit, what was not read yet stays in the FIFO as long as an end is open; a reader that comes late
 * could not even open it without a writer, so one is held until all was read. Closing that is the reader's end of
 * file.
 */
export class FifoTail {
  readonly #reader: number;
  #writer: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #open = true;

  /** @throws ENOENT, ENXIO, ... as open(2) does. */
  constructor(path: string) {
    this.#reader = openFifo(path, 'read', { nonblocking: true });
  }

  /** The writers are gone: ends the stream once it is read to its end. */
  finish(): void {
    if (!this.#open || this.#writer !== undefined) return;
    if (fionread(this.#reader) === 0) {
      this.close();
      return;
    }
    // Through the descriptor, since the client may have removed or replaced the path by now.
    this.#writer = openFifo(`/proc/self/fd/${this.#reader}`, 'write', { nonblocking: true });
    this.#look(SHORTEST_LOOK_MS, Number.MAX_SAFE_INTEGER);
  }

  /** A FIFO tells nobody that it was read, so it is asked: often while it is being read, rarely while it is not. */
  #look(delayMs: number, before: number): void {
    this.#timer = setTimeout(() => {
      const unread = fionread(this.#reader);
      if (unread === 0) this.close();
      else this.#look(unread < before ? SHORTEST_LOOK_MS : Math.min(delayMs * 2, LONGEST_LOOK_MS), unread);
    }, delayMs);
  }

  /** Ends the stream now; what nobody has read is lost once the last reader closes. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    clearTimeout(this.#timer);
    if (this.#writer !== undefined) close(this.#writer);
    close(this.#reader);
  }
}

/** The same for a process of an earlier supervisor. Undefined if the FIFO is gone. */
export function adoptTail(path: string): FifoTail | undefined {
  try {
    return new FifoTail(path);
  } catch (e) {
    if (errnoOf(e) === 'ENOENT') return undefined;
    throw e;
  }
}
