import type { Socket } from 'node:net';

/** An HTTP/2 connection begins with `PRI * HTTP/2.0`; no HTTP/1 method begins with these letters. */
const PREFACE = Buffer.from('PRI');

/**
 * Tells HTTP/2 from HTTP/1 by the first bytes, which stay in the socket for whoever is given it next. Never settles
 * for a socket that is closed before it sent enough.
 */
export function sniff(socket: Socket, found: (version: 1 | 2) => void): void {
  let held: Buffer = Buffer.alloc(0);
  const look = () => {
    const more: Buffer | null = socket.read();
    if (more === null) return;
    // What is not enough to tell is held here: put back, it would be announced again and again.
    held = Buffer.concat([held, more]);
    const length = Math.min(held.length, PREFACE.length);
    const alike = held.subarray(0, length).equals(PREFACE.subarray(0, length));
    if (alike && length < PREFACE.length) return;
    socket.off('readable', look);
    socket.unshift(held);
    found(alike ? 2 : 1);
  };
  socket.on('readable', look);
}
