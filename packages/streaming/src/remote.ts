import type { Transport } from '@connectrpc/connect';
import { StreamInitSchema, Streaming } from '@stowage/api/streaming/v1';
import { abortable, Fault, quote, type Scope } from '@stowage/core';
import { packMessage, rpcClient } from '@stowage/rpc';
import { RemoteStream } from './remote-stream.ts';
import type { Streams } from './stream-manager.ts';

/** Opens streams at a daemon. Each is a call of its own, which needs a transport that goes both ways at once: gRPC. */
export function remoteStreams(transport: Transport, scope: Scope): Streams {
  const rpc = rpcClient(Streaming, transport, scope);
  return {
    async open(id, { signal } = {}) {
      const stream = new RemoteStream(id, (messages, kill) => rpc.stream(messages, { signal: kill }));
      try {
        await stream.send(packMessage(StreamInitSchema, { id }), { signal });
        const first = await abortable(stream.receive(), signal);
        if (first === undefined) {
          throw new Fault('unavailable', `stream ${quote(id)}: the daemon ended it at once`);
        }
        return stream;
      } catch (e) {
        stream.abort(new Fault('canceled', `stream ${quote(id)}: it was not opened`, { cause: e }));
        throw e;
      }
    },
  };
}
