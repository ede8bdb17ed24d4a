/**
 * Bytes from an asynchronous writer on one thread to a synchronous reader on another, through shared memory. What the
 * reader has not taken yet is bounded by the ring's size.
 */
export interface RingMemory {
  readonly control: SharedArrayBuffer;
  readonly data: SharedArrayBuffer;
}

/**
 * A multiple of tar's block and a divisor of 2^32. The reader takes whole blocks, so none lies across the ring's end,
 * and the counters of bytes may wrap.
 */
const RING_BYTES = 1 << 21;

/** A writer that found the ring full sleeps until this much is free, lest it be woken for every block taken. */
const WAKE_BYTES = RING_BYTES / 4;

/** Int32 words of the control block. */
const WORD = {
  /** Bytes ever written and taken, modulo 2^32. */
  written: 0,
  taken: 1,
  /** Of the writer: see STATE. */
  state: 2,
  /** 1 once the reader wants no more. */
  closed: 3,
  /** Counts what each side did, so that the other can wait for a change without missing one. */
  writerTurn: 4,
  readerTurn: 5,
  /** Room the writer waits for; 0 while it does not. */
  need: 6,
} as const;

const STATE = { open: 0, ended: 1, aborted: 2 } as const;

export function ringMemory(): RingMemory {
  return {
    control: new SharedArrayBuffer(4 * Object.keys(WORD).length),
    data: new SharedArrayBuffer(RING_BYTES),
  };
}

function bump(control: Int32Array, turn: number): void {
  Atomics.add(control, turn, 1);
  Atomics.notify(control, turn);
}

function roomIn(control: Int32Array): number {
  return RING_BYTES - between(Atomics.load(control, WORD.taken), Atomics.load(control, WORD.written));
}

const between = (from: number, to: number): number => (to - from) >>> 0;

/** The writing end, for a thread that must not wait. */
export class RingWriter {
  readonly #control: Int32Array;
  readonly #data: Uint8Array;

  /** Empties the ring for a new stream. Nobody may be reading it. */
  constructor({ control, data }: RingMemory) {
    this.#control = new Int32Array(control);
    this.#data = new Uint8Array(data);
    this.#control.fill(0);
  }

  /** Copies the bytes in, as room comes. @returns false if the reader wants no more. */
  async write(bytes: Uint8Array): Promise<boolean> {
    const control = this.#control;
    for (let offset = 0; offset < bytes.length; ) {
      const turn = Atomics.load(control, WORD.readerTurn);
      if (Atomics.load(control, WORD.closed) === 1) return false;
      const written = Atomics.load(control, WORD.written) >>> 0;
      const at = written % RING_BYTES;
      const wanted = Math.min(bytes.length - offset, RING_BYTES - at);
      const size = Math.min(wanted, roomIn(control));
      if (size === 0) {
        const need = Math.min(wanted, WAKE_BYTES);
        // Announced before the second look: whichever side comes later sees what the other did.
        Atomics.store(control, WORD.need, need);
        if (roomIn(control) < need) await Atomics.waitAsync(control, WORD.readerTurn, turn).value;
        Atomics.store(control, WORD.need, 0);
        continue;
      }
      this.#data.set(bytes.subarray(offset, offset + size), at);
      Atomics.add(control, WORD.written, size);
      bump(control, WORD.writerTurn);
      offset += size;
    }
    return Atomics.load(control, WORD.closed) === 0;
  }

  /** No more bytes will come. */
  end(): void {
    this.#become(STATE.ended);
  }

  /** The reader's next call throws {@link RingAborted}. */
  abort(): void {
    this.#become(STATE.aborted);
  }

  /** What the reader would do, for one that died. */
  close(): void {
    closeRing(this.#control);
  }

  #become(state: number): void {
    Atomics.store(this.#control, WORD.state, state);
    bump(this.#control, WORD.writerTurn);
  }
}

function closeRing(control: Int32Array): void {
  Atomics.store(control, WORD.closed, 1);
  bump(control, WORD.readerTurn);
}

/** The writer gave the stream up. */
export class RingAborted extends Error {
  override readonly name = 'RingAborted';
}

/** The reading end, for a worker: it waits. */
export class RingReader {
  readonly #control: Int32Array;
  readonly #data: Uint8Array;
  readonly #onBytes: (bytes: Uint8Array) => void;
  /** Bytes ever taken and bytes ever shown to `onBytes`, as the control block counts. */
  #taken = 0;
  #seen = 0;

  /** @param onBytes - shown every byte of the stream once, in order, as it arrives. */
  constructor({ control, data }: RingMemory, onBytes: (bytes: Uint8Array) => void) {
    this.#control = new Int32Array(control);
    this.#data = new Uint8Array(data);
    this.#onBytes = onBytes;
  }

  /**
   * Waits until at least `wanted` bytes are here, or the end of the stream is.
   *
   * @returns what is here up to the ring's end, perhaps less than wanted at the end of the stream. The bytes stay where
   *   they are, in shared memory, until {@link RingReader.take}.
   */
  peek(wanted: number): Uint8Array {
    for (;;) {
      const turn = Atomics.load(this.#control, WORD.writerTurn);
      const state = Atomics.load(this.#control, WORD.state);
      if (state === STATE.aborted) throw new RingAborted('the unpack was given up');
      this.#see(Atomics.load(this.#control, WORD.written) >>> 0);
      const at = this.#taken % RING_BYTES;
      const size = Math.min(between(this.#taken, this.#seen), RING_BYTES - at);
      if (size >= wanted || state === STATE.ended) return this.#data.subarray(at, at + size);
      Atomics.wait(this.#control, WORD.writerTurn, turn);
    }
  }

  #see(written: number): void {
    while (this.#seen !== written) {
      const at = this.#seen % RING_BYTES;
      const size = Math.min(between(this.#seen, written), RING_BYTES - at);
      this.#onBytes(this.#data.subarray(at, at + size));
      this.#seen = (this.#seen + size) >>> 0;
    }
  }

  /** Gives the first bytes of what `peek` showed back to the writer. */
  take(size: number): void {
    this.#taken = (this.#taken + size) >>> 0;
    Atomics.store(this.#control, WORD.taken, this.#taken | 0);
    const need = Atomics.load(this.#control, WORD.need);
    if (need > 0 && roomIn(this.#control) >= need) bump(this.#control, WORD.readerTurn);
  }

  /** Throws {@link RingAborted} if the writer gave up, for work that reads nothing for a while. */
  check(): void {
    if (Atomics.load(this.#control, WORD.state) === STATE.aborted) {
      throw new RingAborted('the unpack was given up');
    }
  }

  /** Wants no more: the writer's next call says so. */
  close(): void {
    closeRing(this.#control);
  }
}
