import type { Socket } from 'node:net';

/** Messages of all streams of a connection that may wait for whoever reads them. */
const MAX_HELD_BYTES = 16 * 1024 * 1024;

/**
 * Says when no more is read from a connection. ttrpc has no window, so this is all that makes a peer wait: whatever
 * it sends next on the connection, for whomever, waits too.
 */
export class ReadGate {
  readonly #socket: Socket;
  readonly #stops = new Set<object>();
  #held = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Reads no more until the same one lets go again. */
  stop(who: object): void {
    if (this.#stops.size === 0) this.#socket.pause();
    this.#stops.add(who);
  }

  go(who: object): void {
    if (this.#stops.delete(who) && this.#stops.size === 0) this.#socket.resume();
  }

  /** Counts bytes that wait for a reader, or (less than 0) no longer do. */
  hold(bytes: number): void {
    this.#held += bytes;
    if (this.#held > MAX_HELD_BYTES) this.stop(this);
    else this.go(this);
  }
}
