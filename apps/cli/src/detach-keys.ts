import { Transform, type TransformCallback } from 'node:stream';
import { Fault, quote } from '@stowage/core';

/** The bytes that keys send: each a character, or `ctrl-` with a letter or one of `@[\]^_`. @throws Fault `invalid_argument` */
export function parseDetachKeys(text: string): Buffer {
  return Buffer.from(
    text.split(',').map((key) => {
      const [, held] = /^ctrl-([a-z@[\\\]^_])$/i.exec(key) ?? [];
      if (held !== undefined) return held.toUpperCase().charCodeAt(0) - 64;
      if (/^[\x20-\x7e]$/.test(key)) return key.charCodeAt(0);
      throw new Fault(
        'invalid_argument',
        `--detach-keys ${quote(text)}: ${quote(key)} is no key, as ctrl-p or a is`,
      );
    }),
  );
}

/**
 * Passes keys on until those are pressed that ask to be let go of a terminal. As far as they were pressed they are kept
 * back, until another key shows that they were meant for the program.
 */
export class DetachKeys extends Transform {
  /** Settles when they were pressed. */
  readonly pressed: Promise<void>;
  readonly #keys: Buffer;
  readonly #press: () => void;
  #matched = 0;

  constructor(keys: Buffer) {
    super();
    this.#keys = keys;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.pressed = promise;
    this.#press = resolve;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const passed: number[] = [];
    for (const byte of chunk) {
      if (byte !== this.#keys[this.#matched]) {
        passed.push(...this.#keys.subarray(0, this.#matched));
        this.#matched = 0;
      }
      if (byte !== this.#keys[this.#matched]) passed.push(byte);
      else if (++this.#matched === this.#keys.length) {
        this.#matched = 0;
        this.#press();
        break;
      }
    }
    done(null, Buffer.from(passed));
  }

  override _flush(done: TransformCallback): void {
    done(null, this.#keys.subarray(0, this.#matched));
  }
}
