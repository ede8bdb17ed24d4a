/** Longest message; the ten bytes of the header not counted (ttrpc PROTOCOL.md, "Message Frame"). */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** A length of 16 MiB or more is no message of any version: its first byte is reserved and zero. */
const RESERVED_LENGTH = 0x0100_0000;
const HEADER_BYTES = 10;

export const FRAME = { request: 1, response: 2, data: 3 } as const;
export const FLAG = { remoteClosed: 1, remoteOpen: 2, noData: 4 } as const;

export interface Frame {
  readonly streamId: number;
  readonly type: number;
  readonly flags: number;
  /** Undefined if it was too long: then it was passed over. */
  readonly data: Uint8Array | undefined;
}

/** The bytes do not follow the protocol, so where the next frame begins is unknown. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
  readonly streamId: number;

  constructor(streamId: number, length: number) {
    super(`a frame of ${length} bytes is no ttrpc`);
    this.streamId = streamId;
  }
}

export function encodeFrame(streamId: number, type: number, flags: number, data: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + data.length);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(streamId, 4);
  frame[8] = type;
  frame[9] = flags;
  frame.set(data, HEADER_BYTES);
  return frame;
}

/**
 * Cuts a byte stream into frames. Holds at most one message. One that is too long is passed over and reported
 * without its data, as Go's implementation does.
 */
export class FrameReader {
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #data: Buffer | undefined;
  /** Bytes that have come, of the header and of the data. */
  #got = 0;

  /** @throws FrameError, after which the reader is of no use. */
  *push(chunk: Uint8Array): Generator<Frame> {
    let rest = chunk;
    const take = (into: Uint8Array | undefined, offset: number, most: number) => {
      const part = rest.subarray(0, most);
      into?.set(part, offset);
      rest = rest.subarray(part.length);
      this.#got += part.length;
    };
    do {
      if (this.#got < HEADER_BYTES) {
        take(this.#header, this.#got, HEADER_BYTES - this.#got);
        if (this.#got < HEADER_BYTES) return;
        if (this.#length >= RESERVED_LENGTH) throw new FrameError(this.#streamId, this.#length);
        this.#data = this.#length > MAX_MESSAGE_BYTES ? undefined : Buffer.allocUnsafe(this.#length);
      }
      const end = HEADER_BYTES + this.#length;
      take(this.#data, this.#got - HEADER_BYTES, end - this.#got);
      if (this.#got < end) return;
      this.#got = 0;
      const [type, flags] = [this.#header.readUInt8(8), this.#header.readUInt8(9)];
      yield { streamId: this.#streamId, type, flags, data: this.#data };
    } while (rest.length > 0);
  }

  get #length(): number {
    return this.#header.readUInt32BE(0);
  }

  get #streamId(): number {
    return this.#header.readUInt32BE(4);
  }
}
