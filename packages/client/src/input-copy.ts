import { finished, type Readable, type Writable } from 'node:stream';

/**
 * Copies a stream to the standard input of a process. The stream stays the caller's: it is never destroyed, and when
 * the process needs no more, it is paused where it is.
 */
export class InputCopy {
  readonly #source: Readable;
  readonly #sink: Writable;
  readonly #isOwn: boolean;
  readonly #sourceEnd = Promise.withResolvers<void>();
  readonly #over = Promise.withResolvers<'ended' | 'stopped'>();
  readonly #ignoreSource: () => void;
  #pauseSource: () => void = () => undefined;

  /** @param isOwn - the source is ours and nobody else's: it is destroyed when nothing more is to be copied. */
  constructor(source: Readable, sink: Writable, isOwn = false) {
    this.#source = source;
    this.#sink = sink;
    this.#isOwn = isOwn;
    const { promise, resolve, reject } = this.#sourceEnd;
    // It may end or fail long before the process runs.
    this.#ignoreSource = finished(source, { writable: false }, (e) => (e ? reject(e) : resolve()));
    promise.catch(() => undefined);
    // Nobody is left to read it: the process is gone before its input is.
    sink.on('error', () => this.stop());
    sink.on('close', () => this.#over.resolve('stopped'));
  }

  /**
   * Settles when the source has ended and everything is in the process's hands, or the copy was stopped.
   *
   * @throws what the source failed with.
   */
  async run(): Promise<'ended' | 'stopped'> {
    const [source, sink] = [this.#source, this.#sink];
    const pass = (chunk: Uint8Array | string) => {
      if (!sink.write(chunk)) source.pause();
    };
    this.#pauseSource = () => {
      source.off('data', pass);
      source.pause();
    };
    sink.on('drain', () => void source.resume());
    // One that was paused, as by an earlier process, does not flow for having a listener.
    source.on('data', pass).resume();
    const ended = this.#sourceEnd.promise.then(
      // Called back once all that came before was written.
      () => new Promise<'ended'>((resolve) => sink.write('', () => resolve('ended'))),
    );
    try {
      return await Promise.race([this.#over.promise, ended]);
    } finally {
      this.stop();
    }
  }

  stop(): void {
    this.#over.resolve('stopped');
    this.#ignoreSource();
    this.#pauseSource();
    this.#pauseSource = () => undefined;
    this.#sink.destroy();
    if (this.#isOwn) this.#source.destroy();
  }
}
