import { reasonOf } from '@stowage/core';
import type { WebSocket } from 'ws';

/** Close code for what failed; the reason is in a message before, as a close holds few bytes. */
const FAILED = 4000;

/** Sends, and waits until it has left this process, so that a slow reader is waited for. */
export function sent(socket: WebSocket, data: string | Uint8Array): Promise<void> {
  return new Promise((settle, fail) => socket.send(data, (e) => (e ? fail(e) : settle())));
}

/** A signal that fires when the other side has gone. */
export function whileOpen(socket: WebSocket): AbortSignal {
  const gone = new AbortController();
  socket.once('close', () => gone.abort(new DOMException('the page has gone', 'AbortError')));
  return gone.signal;
}

/** Does the work of a connection, tells how it failed if it does, and closes. */
export async function serveSocket(
  socket: WebSocket,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const signal = whileOpen(socket);
  // It closes right after, which is what counts.
  socket.on('error', () => undefined);
  try {
    await work(signal);
    socket.close();
  } catch (e) {
    if (signal.aborted) return;
    socket.send(JSON.stringify({ error: reasonOf(e) }));
    socket.close(FAILED);
  }
}
