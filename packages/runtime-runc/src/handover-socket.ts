import { close, hasCode } from '@stowage/linux';
import { type ReceivedMessage, receiveMessage, sendMessage } from '@stowage/linux/sockets';
import {
  decodeHandover,
  encodeHandover,
  type HandleName,
  type Handles,
  type HandoverMessage,
  handlesOf,
  LONGEST_MESSAGE,
  MOST_HANDLES,
} from './handover-message.ts';

/**
 * Takes all messages that are in a socket, and never waits.
 *
 * @param take - gets descriptors of its own.
 * @returns how many there were, and whether there may be more: not if the other side has gone.
 */
export function receiveHandovers(
  socket: number,
  take: (message: HandoverMessage, handles: Handles) => void,
): { readonly count: number; readonly open: boolean } {
  for (let count = 0; ; count++) {
    const received = receive(socket);
    if (received === undefined) return { count, open: true };
    const { data, fds } = received;
    if (data.length === 0) return { count, open: false };
    let message: HandoverMessage;
    try {
      message = decodeHandover(data);
    } catch (e) {
      for (const fd of fds) close(fd);
      throw e;
    }
    take(message, handlesOf(message, fds));
  }
}

function receive(socket: number): ReceivedMessage | undefined {
  try {
    return receiveMessage(socket, LONGEST_MESSAGE, MOST_HANDLES);
  } catch (e) {
    if (!hasCode(e, 'ECONNRESET')) throw e;
    // Told once if the other side died before it read all; what it sent itself is behind.
    return receiveMessage(socket, LONGEST_MESSAGE, MOST_HANDLES);
  }
}

/**
 * Sends descriptors by their names; they stay the caller's.
 *
 * @returns false if it would have to wait.
 * @throws EPIPE, ECONNRESET, ... if the other side has gone.
 */
export function sendHandover(
  socket: number,
  { process, pid, startTime }: Omit<HandoverMessage, 'handles'>,
  handles: Handles,
): boolean {
  const entries = Object.entries(handles) as [HandleName, number][];
  const message = encodeHandover({ process, pid, startTime, handles: entries.map(([name]) => name) });
  return (
    sendMessage(
      socket,
      message,
      entries.map(([, fd]) => fd),
    ) !== undefined
  );
}
