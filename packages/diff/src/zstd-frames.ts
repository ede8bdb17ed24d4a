import { Fault } from '@stowage/core';

const FRAME = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;

/**
 * Cuts zstd at the ends of its frames.
 *
 * Node's decompressor takes what follows a frame within one write for garbage, and ends; a write that begins with a
 * frame goes well. Layers with an index of their files (zstd:chunked) are thousands of frames.
 *
 * @throws Fault `invalid_argument` for bytes that are no frame, and for an end within one.
 * @see RFC 8878 3.1
 */
export async function* zstdFrames(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const walker = new FrameWalker();
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; ) {
      const end = walker.walk(chunk, at);
      yield chunk.subarray(at, end);
      at = end;
    }
  }
  if (!walker.isBetween) throw damage('it ends within a frame');
}

/** Fields of a frame in order; what is only passed over has no meaning here. */
type Field = 'magic' | 'descriptor' | 'header' | 'block' | 'data' | 'checksum' | 'skipSize' | 'skipData';

class FrameWalker {
  #field: Field = 'magic';
  /** Bytes of the field in all, and still to come. */
  #size = 4;
  #left = 4;
  /** The field's first bytes as a little-endian number. */
  #value = 0;
  #isLast = false;
  #hasChecksum = false;

  get isBetween(): boolean {
    return this.#field === 'magic' && this.#left === 4;
  }

  /** Goes on from `at` to the end of the frame, or of the chunk. @returns where that is. */
  walk(chunk: Uint8Array, at: number): number {
    for (let i = at; i < chunk.length; ) {
      const size = Math.min(this.#left, chunk.length - i);
      const done = this.#size - this.#left;
      for (let j = 0; j < size && done + j < 4; j++) {
        this.#value += (chunk[i + j] as number) * 2 ** (8 * (done + j));
      }
      this.#left -= size;
      i += size;
      while (this.#left === 0) if (this.#step()) return i;
    }
    return chunk.length;
  }

  #expect(field: Field, size: number): void {
    this.#field = field;
    this.#size = size;
    this.#left = size;
    this.#value = 0;
  }

  /** Goes to the next field. @returns whether a frame ended. */
  #step(): boolean {
    const value = this.#value;
    switch (this.#field) {
      case 'magic':
        if (value === FRAME) this.#expect('descriptor', 1);
        else if ((value & 0xfffffff0) >>> 0 === SKIPPABLE) this.#expect('skipSize', 4);
        else throw damage('a frame has no magic number');
        return false;
      case 'descriptor':
        this.#hasChecksum = (value & 4) !== 0;
        this.#expect('header', headerSize(value));
        return false;
      case 'header':
        this.#expect('block', 3);
        return false;
      case 'block': {
        const type = (value >>> 1) & 3;
        this.#isLast = (value & 1) !== 0;
        // A block of type 1 is one byte, to be repeated.
        this.#expect('data', type === 1 ? 1 : value >>> 3);
        return false;
      }
      case 'data':
        if (!this.#isLast) this.#expect('block', 3);
        else if (this.#hasChecksum) this.#expect('checksum', 4);
        else return this.#ended();
        return false;
      case 'skipSize':
        this.#expect('skipData', value);
        return false;
      default:
        return this.#ended();
    }
  }

  #ended(): boolean {
    this.#expect('magic', 4);
    return true;
  }
}

/** Bytes of a frame header behind its descriptor: window, dictionary id, content size. */
function headerSize(descriptor: number): number {
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const dictionary = [0, 1, 2, 4][descriptor & 3] as number;
  const content = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6] as number;
  return (isSingleSegment ? 0 : 1) + dictionary + content;
}

const damage = (reason: string): Fault => new Fault('invalid_argument', `inflate zstd: ${reason}`);
