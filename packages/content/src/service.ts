import { Content, type Info } from '@stowage/api/content/v1';
import { Fault, parseDigest, type Scoped } from '@stowage/core';
import { type Routes, scopeOf, serviceRoutes } from '@stowage/rpc';
import type { ContentStore } from './content-store.ts';
import { infoToWire, sizeFromWire, statusToWire } from './convert.ts';
import { writeSession } from './write-session.ts';

export { verificationRoutes } from './verification-service.ts';

/** Blobs in one message of a list (containerd plugins/services/content/contentserver). */
const PAGE = 100;

/** Longest `data` of one message of a read, whatever the store's chunks. */
const MAX_DATA_BYTES = 1024 * 1024;

/** The service end of content.v1: translates, and drives a writer for each Write stream. */
export function contentRoutes(content: Scoped<ContentStore>): Routes {
  return serviceRoutes(Content, {
    async info({ digest }, context) {
      const { signal } = context;
      const info = await content(scopeOf(context)).info(parseDigest(digest), { signal });
      return { info: infoToWire(info) };
    },
    async update({ info, updateMask }, context) {
      if (info === undefined) throw new Fault('invalid_argument', 'update: info is required');
      const { signal } = context;
      const store = content(scopeOf(context));
      // Not cleaned: in an update an empty value deletes.
      const updated = await store.update(parseDigest(info.digest), info.labels, updateMask?.paths, {
        signal,
      });
      return { info: infoToWire(updated) };
    },
    async *list({ filters }, context) {
      const { signal } = context;
      let info: Info[] = [];
      for await (const item of content(scopeOf(context)).list(filters, { signal })) {
        if (info.push(infoToWire(item)) < PAGE) continue;
        yield { info };
        info = [];
      }
      if (info.length > 0) yield { info };
    },
    async delete({ digest }, context) {
      await content(scopeOf(context)).delete(parseDigest(digest), { signal: context.signal });
      return {};
    },
    async *read({ digest, offset, size }, context) {
      const store = content(scopeOf(context));
      const range = { offset: offset > 0n ? offset : 0n, length: sizeFromWire(size) };
      let sent = 0n;
      for await (const chunk of store.read(parseDigest(digest), range, { signal: context.signal })) {
        for (let at = 0; at < chunk.byteLength; at += MAX_DATA_BYTES) {
          const data = chunk.subarray(at, at + MAX_DATA_BYTES) as Uint8Array<ArrayBuffer>;
          // Counted from where this read began, not from the start of the blob.
          yield { offset: sent, data };
          sent += BigInt(data.byteLength);
        }
      }
    },
    async status({ ref }, context) {
      const status = await content(scopeOf(context)).status(ref, { signal: context.signal });
      return { status: statusToWire(status) };
    },
    async listStatuses({ filters }, context) {
      const { signal } = context;
      const statuses = [];
      for await (const status of content(scopeOf(context)).statuses(filters, { signal })) {
        statuses.push(statusToWire(status));
      }
      return { statuses };
    },
    write(requests, context) {
      return writeSession(content(scopeOf(context)), requests, context.signal);
    },
    async abort({ ref }, context) {
      await content(scopeOf(context)).abort(ref, { signal: context.signal });
      return {};
    },
  });
}
