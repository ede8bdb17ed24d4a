import { Fault } from '@stowage/core';

/** Takes a stream of chunks apart at given lengths, holding no more than one chunk and what was asked for. */
export class ByteSource implements AsyncDisposable {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #what: string;
  #chunk: Uint8Array = new Uint8Array();
  /** Bytes of the body handed out last that were not read yet. */
  #rest = 0;

  constructor(bytes: AsyncIterable<Uint8Array>, what: string) {
    this.#chunks = bytes[Symbol.asyncIterator]();
    this.#what = what;
  }

  /**
   * Exactly so many bytes, or none at the end.
   * @throws Fault `invalid_argument` if the end comes in the middle.
   */
  async take(length: number): Promise<Buffer | undefined> {
    const parts: Uint8Array[] = [];
    for (let missing = length; missing > 0; ) {
      const part = await this.#next(missing);
      if (part === undefined) {
        if (parts.length > 0) throw this.#early();
        return undefined;
      }
      parts.push(part);
      missing -= part.byteLength;
    }
    return Buffer.concat(parts);
  }

  /** The next bytes as they come; skipped by {@link skipRest} as far as they are not read. */
  stream(length: number): AsyncIterable<Uint8Array> {
    this.#rest = length;
    return this.#body();
  }

  async *#body(): AsyncGenerator<Uint8Array> {
    while (this.#rest > 0) {
      const part = await this.#next(this.#rest);
      if (part === undefined) throw this.#early();
      this.#rest -= part.byteLength;
      yield part;
    }
  }

  async skipRest(): Promise<void> {
    const length = this.#rest;
    this.#rest = 0;
    await this.skip(length);
  }

  async skip(length: number): Promise<void> {
    for (let missing = length; missing > 0; ) {
      const part = await this.#next(missing);
      if (part === undefined) throw this.#early();
      missing -= part.byteLength;
    }
  }

  /** Reads on to the end, but no further than so many bytes. */
  async drain(most: number): Promise<void> {
    for (let missing = most; missing > 0; ) {
      const part = await this.#next(missing);
      if (part === undefined) return;
      missing -= part.byteLength;
    }
  }

  /** At least one byte and at most so many; none at the end. */
  async #next(most: number): Promise<Uint8Array | undefined> {
    while (this.#chunk.byteLength === 0) {
      const { done, value } = await this.#chunks.next();
      if (done === true) return undefined;
      this.#chunk = value;
    }
    const part = this.#chunk.subarray(0, most);
    this.#chunk = this.#chunk.subarray(part.byteLength);
    return part;
  }

  #early(): Fault {
    return new Fault('invalid_argument', `${this.#what}: it ends early`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#chunks.return?.();
  }
}
