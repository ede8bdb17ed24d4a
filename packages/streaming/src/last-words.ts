import { ConnectError } from '@connectrpc/connect';
import { StatusSchema } from '@stowage/api/google/rpc';
import { Fault, type TypedBytes } from '@stowage/core';
import { fromConnect, packMessage, toConnect, unpackMessage } from '@stowage/rpc';

/**
 * What a client says before it breaks off: a `google.rpc.Status`. Without it, a broken stream could be taken for one that
 * was closed, because Node ends what a client sends before it resets the call. containerd passes over it.
 */
export function lastWords(reason: Fault): TypedBytes {
  const { code, rawMessage } = ConnectError.from(toConnect(reason));
  return packMessage(StatusSchema, { code, message: rawMessage });
}

/** What a client has failed with, if that is what a message says. */
export function failureOf(message: TypedBytes): Fault | undefined {
  if (!message.typeUrl.endsWith(StatusSchema.typeName)) return undefined;
  const { code, message: text } = unpackMessage(StatusSchema, message);
  const failure = fromConnect(new ConnectError(text, code));
  return Fault.is(failure) ? failure : undefined;
}
