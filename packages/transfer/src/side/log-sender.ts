import { setTimeout as sleep } from 'node:timers/promises';
import type { Stream } from '@stowage/streaming';
import { sendBytes } from '@stowage/streaming/bytes';

/** Most text that waits for a client; what is more is left out. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** How long a client may take for what is left at the end. */
const END_MS = 5000;

/** Sends text as bytes of a stream. No transfer waits for it while it goes on, and none fails with it. */
export class LogSender {
  readonly #waiting: Uint8Array[] = [];
  #bytes = 0;
  #isEnding = false;
  #wake: () => void = () => {};
  readonly #done: Promise<void>;

  constructor(stream: Stream) {
    // A client that does not want to read what it asked for, or has gone.
    this.#done = sendBytes(stream, this.#lines()).catch(() => undefined);
  }

  log(text: string): void {
    const line = Buffer.from(text);
    if (this.#bytes + line.byteLength > MAX_WAITING_BYTES) return;
    this.#bytes += line.byteLength;
    this.#waiting.push(line);
    this.#wake();
  }

  /** Sends what is left, if the client takes it. */
  async end(): Promise<void> {
    this.#isEnding = true;
    this.#wake();
    const late = new AbortController();
    const waited = sleep(END_MS, undefined, { signal: late.signal }).catch(() => undefined);
    await Promise.race([this.#done, waited]);
    late.abort();
  }

  async *#lines(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) {
        this.#bytes -= next.byteLength;
        yield next;
      } else if (this.#isEnding) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
