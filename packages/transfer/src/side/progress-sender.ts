import type { Stream } from '@stowage/streaming';
import { progressToWire } from '../convert.ts';
import type { TransferProgress } from '../transfers.ts';

/** How long a client may take for what is left at the end. */
const END_MS = 10_000;

/** Most steps without a name that wait. */
const MAX_WAITING = 1000;

/**
 * Sends steps as fast as the client takes them, and no transfer waits for it: of what happens to one thing meanwhile, only
 * the last step is kept.
 */
export class ProgressSender {
  readonly #stream: Stream;
  /** In the order in which they came first; named ones by name, others by number. */
  readonly #waiting = new Map<string | number, TransferProgress>();
  #count = 0;
  #isEnding = false;
  #wake: () => void = () => {};
  readonly #done: Promise<void>;

  constructor(stream: Stream) {
    this.#stream = stream;
    this.#done = this.#run();
  }

  send(progress: TransferProgress): void {
    const key = progress.name === '' ? this.#count++ : progress.name;
    // Things are as many as an image has documents and layers, which is bounded; what is said of the whole is here.
    if (!this.#waiting.has(key) && this.#waiting.size >= MAX_WAITING) return;
    this.#waiting.set(key, progress);
    this.#wake();
  }

  /** Sends what is left, and closes. */
  async end(signal: AbortSignal): Promise<void> {
    this.#isEnding = true;
    this.#wake();
    const late = setTimeout(() => void this.#stream[Symbol.asyncDispose](), END_MS);
    const gone = () => void this.#stream[Symbol.asyncDispose]();
    signal.addEventListener('abort', gone, { once: true });
    if (signal.aborted) gone();
    await this.#done;
    signal.removeEventListener('abort', gone);
    clearTimeout(late);
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        const [next] = this.#waiting;
        if (next !== undefined) {
          const [key, progress] = next;
          this.#waiting.delete(key);
          await this.#stream.send(progressToWire(progress));
        } else if (this.#isEnding) {
          break;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
      await this.#stream.close();
    } catch {
      // A client that does not want to know, or has gone; of the latter the transfer hears itself.
    }
  }
}
