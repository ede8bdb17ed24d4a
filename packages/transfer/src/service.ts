import { Transfer } from '@stowage/api/transfer/v1';
import { Fault, type Scoped } from '@stowage/core';
import { type Routes, scopeOf, serviceRoutes, typedBytesOf } from '@stowage/rpc';
import type { StreamManager } from '@stowage/streaming';
import { objectOf } from './side/object-of.ts';
import { ProgressSender } from './side/progress-sender.ts';
import { TakenStreams } from './side/taken-streams.ts';
import type { TransferProgress, Transfers } from './transfers.ts';

export interface TransferRoutesOptions {
  /** How long a client may take to answer for credentials. Default: a minute. */
  readonly credentialsTimeoutMs?: number | undefined;
}

/** Serves transfers by scope as `containerd.services.transfer.v1.Transfer`; what goes beside, over streams of the client's. */
export function transferRoutes(
  transfers: Scoped<Transfers>,
  streams: Scoped<StreamManager>,
  options: TransferRoutesOptions = {},
): Routes {
  const { credentialsTimeoutMs = 60_000 } = options;
  return serviceRoutes(Transfer, {
    async transfer(request, context) {
      const { signal } = context;
      const scope = scopeOf(context);
      const taken = new TakenStreams(streams(scope));
      try {
        const progress = progressOf(request.options?.progressStream, taken);
        try {
          const side = { taken, credentialsTimeoutMs };
          const source = objectOf(given(request.source, 'source'), side);
          const destination = objectOf(given(request.destination, 'destination'), side);
          const onProgress = progress && ((step: TransferProgress) => progress.send(step));
          const startedBy = context.requestHeader.get('user-agent') ?? undefined;
          await transfers(scope).transfer(source, destination, { onProgress, startedBy, signal });
        } finally {
          await progress?.end(signal);
        }
        await taken.close();
        return {};
      } catch (e) {
        taken.fail(e);
        throw e;
      }
    },
  });
}

function progressOf(id: string | undefined, taken: TakenStreams): ProgressSender | undefined {
  return id === undefined || id === '' ? undefined : new ProgressSender(taken.take(id));
}

function given(any: Parameters<typeof typedBytesOf>[0], what: string) {
  const bytes = typedBytesOf(any);
  if (bytes === undefined) throw new Fault('invalid_argument', `transfer: ${what} is required`);
  return bytes;
}
