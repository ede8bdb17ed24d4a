import { PassThrough, type Readable, type Writable } from 'node:stream';
import { Fault } from '@stowage/core';

/**
 * Copies an output of a process to where it is wanted, as fast as it is taken there.
 *
 * A sink that fails ends the copy, not the process: the rest is read and dropped, since a full FIFO would stop it.
 */
export class OutputCopy {
  /** Where it can be read, if no sink was given. Ends with the output. */
  readonly shown: PassThrough | undefined;
  /** Settles when the output has ended and was handed over whole, or was let go. @throws what the sink failed with. */
  readonly done: Promise<void>;
  readonly #source: Readable;
  readonly #sink: Writable;
  readonly #isOwn: boolean;
  readonly #done = Promise.withResolvers<void>();
  #hurried = false;

  /** @param isOwn - the sink is ours and nobody else's: it is ended when nothing more comes. */
  constructor(source: Readable, to: Writable | true, isOwn = false) {
    this.#source = source;
    this.#isOwn = isOwn;
    this.shown = to === true ? new PassThrough() : undefined;
    this.#sink = this.shown ?? (to as Writable);
    this.done = this.#done.promise;
    // Heard by whoever waits; nobody has to.
    this.done.catch(() => undefined);
    // Errors may come before the start, and after the end.
    source.on('error', this.#done.reject);
    source.on('close', () => {
      this.shown?.end();
      this.#done.resolve();
    });
  }

  start(): void {
    const [source, sink] = [this.#source, this.#sink];
    if (!sink.writable) {
      this.#fail(new Fault('failed_precondition', 'copy output: the stream that it goes to has ended'));
      return;
    }
    const pass = (chunk: Uint8Array) => {
      if (!sink.write(chunk) && !this.#hurried) source.pause();
    };
    const go = () => void source.resume();
    const fail = (e: Error) => this.#fail(e);
    const closed = () =>
      this.#fail(new Fault('canceled', 'copy output: the stream that it goes to was closed'));
    sink.on('drain', go).on('error', fail).on('close', closed);
    const release = () => {
      sink.off('drain', go).off('error', fail).off('close', closed);
      source.off('data', pass).off('end', release).off('close', release);
      this.shown?.end();
      if (this.#isOwn) sink.on('error', () => undefined).end();
      this.#done.resolve();
    };
    this.#release = release;
    source.on('data', pass).on('end', release).on('close', release);
  }

  /** From now on hands over without waiting for the sink: of an exited process no more than a FIFO's worth is left. */
  hurry(): void {
    this.#hurried = true;
    this.#source.resume();
  }

  stop(): void {
    this.#source.destroy();
  }

  #release: () => void = () => undefined;

  #fail(e: unknown): void {
    this.#done.reject(e);
    this.#release();
    this.#source.resume();
  }
}
