import type { Socket } from 'node:net';

/** An HTTP/2 connection begins with `PRI * HTTP/2.0`; no HTTP/1 method begins with these letters. */
const PREFACE = Buffer.from('PRI');

/**
 * Tells HTTP/2 from HTTP/1 by the first bytes, which stay in the socket for whoever is given it next. Never settles
 * for a socket that is closed before it sent enough.
 */
export function sniff(socket: Socket, found: (version: 1 | 2) => void): void {
  const look = () => {
    const start: Buffer | null = socket.read();
    if (start === null) return;
    socket.unshift(start);
    const length = Math.min(start.length, PREFACE.length);
    const alike = start.subarray(0, length).equals(PREFACE.subarray(0, length));
    if (alike && length < PREFACE.length) return; // unshift does not fire 'readable'; the next byte does
    socket.off('readable', look);
    found(alike ? 2 : 1);
  };
  socket.on('readable', look);
}
