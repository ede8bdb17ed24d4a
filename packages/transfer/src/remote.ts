import type { Transport } from '@connectrpc/connect';
import { Transfer } from '@stowage/api/transfer/v1';
import type { Scope } from '@stowage/core';
import { anyOf, rpcClient } from '@stowage/rpc';
import { remoteStreams } from '@stowage/streaming/remote';
import { progressFromWire } from './convert.ts';
import { messageOf } from './side/message-of.ts';
import { OpenedStreams } from './side/opened-streams.ts';
import type { Transfers } from './transfers.ts';

/** Has a daemon do transfers. What goes beside, such as archives, goes over streams that are opened for it. */
export function remoteTransfers(transport: Transport, scope: Scope): Transfers {
  const rpc = rpcClient(Transfer, transport, scope);
  const streams = remoteStreams(transport, scope);
  return {
    async transfer(source, destination, { onProgress, signal } = {}) {
      signal?.throwIfAborted();
      const stop = new AbortController();
      const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
      // What fails beside the call, such as the file that an archive is written to, ends the call.
      await using opened = new OpenedStreams(streams, (e) => stop.abort(e), either);
      let progressStream = '';
      if (onProgress !== undefined) {
        progressStream = await opened.open('progress', async (stream) => {
          for (;;) {
            const message = await stream.receive({ signal: either });
            if (message === undefined) return;
            onProgress(progressFromWire(message));
          }
        });
      }
      const request = {
        source: anyOf(await messageOf(source, opened)),
        destination: anyOf(await messageOf(destination, opened)),
        options: { progressStream },
      };
      try {
        await rpc.transfer(request, { signal: either });
      } catch (e) {
        const beside = opened.failure;
        throw signal?.aborted || beside === undefined || !stop.signal.aborted ? e : beside;
      }
      await opened.finish();
    },
  };
}
