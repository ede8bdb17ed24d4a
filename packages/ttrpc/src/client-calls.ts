import { Code, ConnectError } from '@connectrpc/connect';
import { abortable } from '@stowage/core';
import type { ClientConnection } from './client-connection.ts';
import { FLAG, FRAME, type Frame, MAX_MESSAGE_BYTES } from './frame.ts';
import { Inbox } from './inbox.ts';
import { type Answer, decodeResponse, tooLongToRead, tooLongToSend } from './response.ts';

const NOTHING = new Uint8Array();

export interface UnaryCall {
  readonly connection: ClientConnection;
  readonly request: Uint8Array;
  /** The server understands that a call is given up. */
  readonly canCancel: boolean;
  readonly signal: AbortSignal;
}

/** A call of one message each way. One that is given up leaves nothing behind here. */
export async function unaryCall({ connection, request, canCancel, signal }: UnaryCall): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | undefined>();
  promise.catch(() => {});
  const take = ({ type, data }: Frame) => {
    if (type === FRAME.response) resolve(data);
    else reject(new ConnectError('the server sent a stream where one answer is due', Code.Internal));
  };
  const id = await connection.begin(request, 0, { take, fail: reject }, signal);
  try {
    return decodeResponse(await abortable(promise, signal));
  } catch (e) {
    if (canCancel && signal.aborted) connection.giveUp(id);
    throw e;
  } finally {
    connection.end(id);
  }
}

export interface StreamingCall {
  readonly connection: ClientConnection;
  readonly request: Uint8Array;
  /** Messages to send; undefined if there is but the one in the request. */
  readonly input: AsyncIterable<Uint8Array> | undefined;
  /** The answer is one message, and comes in the response. */
  readonly oneAnswer: boolean;
  readonly signal: AbortSignal;
}

/**
 * A call with a stream, either way or both. Settles when the request is sent, and gives the messages that come back.
 * Input is taken as fast as the connection is written, until the server has answered.
 */
export async function streamingCall(call: StreamingCall): Promise<AsyncIterable<Uint8Array>> {
  const { connection, request, input, oneAnswer, signal } = call;
  const inbox = new Inbox(connection.gate);
  let id: number | undefined;
  let isOver = false;
  const over = () => {
    isOver = true;
    signal.removeEventListener('abort', onAbort);
    if (id !== undefined) connection.end(id);
  };
  const giveUp = (e: unknown) => {
    if (isOver) return;
    inbox.fail(e);
    connection.retire();
    over();
  };
  const onAbort = () => giveUp(signal.reason);
  const finish = (e?: unknown) => {
    inbox.end(e);
    over();
  };

  const take = ({ type, flags, data }: Frame) => {
    if (isOver) return;
    if (type === FRAME.response) {
      try {
        const { payload: message } = decodeResponse(data);
        if (oneAnswer || message.length > 0) inbox.push(message);
        finish();
      } catch (e) {
        finish(e);
      }
    } else if (oneAnswer) {
      giveUp(new ConnectError('the server sent a stream where one answer is due', Code.Internal));
    } else if (data === undefined) {
      giveUp(tooLongToRead());
    } else {
      if ((flags & FLAG.noData) === 0) inbox.push(data);
      if ((flags & FLAG.remoteClosed) !== 0) finish();
    }
  };
  const flags = input === undefined ? FLAG.remoteClosed : FLAG.remoteOpen;
  id = await connection.begin(request, flags, { take, fail: finish }, signal);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  if (input !== undefined) void send(connection, id, input, () => isOver).catch(giveUp);
  return leaving(inbox, giveUp);
}

async function send(
  connection: ClientConnection,
  id: number,
  input: AsyncIterable<Uint8Array>,
  isOver: () => boolean,
): Promise<void> {
  for await (const message of input) {
    if (isOver()) return;
    if (message.length > MAX_MESSAGE_BYTES) throw tooLongToSend(message.length);
    await connection.send(id, 0, message);
  }
  if (!isOver()) await connection.send(id, FLAG.remoteClosed | FLAG.noData, NOTHING);
}

/** A reader that leaves before the end gives the call up. */
async function* leaving(inbox: Inbox, giveUp: (e: unknown) => void): AsyncGenerator<Uint8Array> {
  try {
    yield* inbox;
  } finally {
    giveUp(new ConnectError('the stream was left', Code.Canceled));
  }
}
