export interface PieceOptions {
  /** Objects in a piece of work: looked at, or deleted with one fsync. 256 unless told. */
  readonly pieceSize?: number | undefined;
  /** Awaited between two pieces, so that others get their turn. Unless told, one turn of the event loop. */
  readonly pause?: (() => Promise<void>) | undefined;
}

const PIECE = 256;

/** Long work in pieces, between which others get their turn. */
export class Pieces {
  readonly size: number;
  readonly pause: () => Promise<void>;
  #steps = 0;

  constructor({ pieceSize = PIECE, pause = turn }: PieceOptions = {}) {
    this.size = pieceSize;
    this.pause = pause;
  }

  /** Call, and wait for, at each small step: pauses after as many as make a piece. */
  step(): Promise<void> | undefined {
    this.#steps += 1;
    return this.#steps % this.size === 0 ? this.pause() : undefined;
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
