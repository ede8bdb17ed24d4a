import type { Transport } from '@connectrpc/connect';
import { Content } from '@stowage/api/content/v1';
import type { Scope } from '@stowage/core';
import { rpcClient } from '@stowage/rpc';
import type { ContentStore } from './content-store.ts';
import { infoFromWire, statusFromWire } from './convert.ts';
import { RemoteWriter } from './remote-writer.ts';

export { remoteVerifier } from './verification-remote.ts';

/** The content store of a daemon, or one behind a proxy plugin's socket. */
export function remoteContent(transport: Transport, scope?: Scope): ContentStore {
  const rpc = rpcClient(Content, transport, scope);
  return {
    async info(digest, { signal } = {}) {
      return infoFromWire((await rpc.info({ digest }, { signal })).info);
    },
    async update(digest, labels, paths, { signal } = {}) {
      const updateMask = paths === undefined ? {} : { updateMask: { paths: [...paths] } };
      return infoFromWire(
        (await rpc.update({ info: { digest, labels: { ...labels } }, ...updateMask }, { signal })).info,
      );
    },
    async *list(filters = [], { signal } = {}) {
      for await (const { info } of rpc.list({ filters: [...filters] }, { signal }))
        yield* info.map(infoFromWire);
    },
    async delete(digest, { signal } = {}) {
      await rpc.delete({ digest }, { signal });
    },
    async *read(digest, { offset = 0n, length = 0n } = {}, { signal } = {}) {
      for await (const { data } of rpc.read({ digest, offset, size: length }, { signal })) yield data;
    },
    async status(ref, { signal } = {}) {
      return statusFromWire((await rpc.status({ ref }, { signal })).status);
    },
    async *statuses(filters = [], { signal } = {}) {
      yield* (await rpc.listStatuses({ filters: [...filters] }, { signal })).statuses.map(statusFromWire);
    },
    writer: (options) => RemoteWriter.open((requests, signal) => rpc.write(requests, { signal }), options),
    async abort(ref, { signal } = {}) {
      await rpc.abort({ ref }, { signal });
    },
  };
}
