import { BLOCK } from '../tar/header.ts';

/** Pieces are all of this size but the last, so that what compresses them sees the same pieces every time. */
export const PIECE_BYTES = 256 * 1024;

/** The bytes of an archive, in order, cut into pieces. */
export class ArchiveStream {
  readonly #send: (piece: Uint8Array<ArrayBuffer>) => void;
  #piece = new Uint8Array(PIECE_BYTES);
  #used = 0;
  /** Bytes so far, modulo a block. */
  #phase = 0;

  /** @param send - takes a piece over; what it throws ends the archive. */
  constructor(send: (piece: Uint8Array<ArrayBuffer>) => void) {
    this.#send = send;
  }

  write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const room = this.room(bytes.length - done);
      // Whoever takes a full piece over leaves the room without a length.
      const size = room.length;
      room.set(bytes.subarray(done, done + size));
      this.advance(size);
      done += size;
    }
  }

  /** Where the next bytes may be put, at most `wanted`; {@link ArchiveStream.advance} says how many were. */
  room(wanted: number): Uint8Array {
    return this.#piece.subarray(this.#used, Math.min(this.#used + wanted, PIECE_BYTES));
  }

  advance(size: number): void {
    this.#used += size;
    this.#phase = (this.#phase + size) % BLOCK;
    if (this.#used < PIECE_BYTES) return;
    this.#send(this.#piece);
    this.#piece = new Uint8Array(PIECE_BYTES);
    this.#used = 0;
  }

  /** Fills the last block of an entry's data with zeros. */
  pad(): void {
    if (this.#phase !== 0) this.write(new Uint8Array(BLOCK - this.#phase));
  }

  /** Two blocks of zeros end the archive. */
  end(): void {
    this.write(new Uint8Array(2 * BLOCK));
    if (this.#used > 0) this.#send(this.#piece.slice(0, this.#used));
  }
}
