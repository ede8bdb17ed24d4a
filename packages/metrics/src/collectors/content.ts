import type { ContentStore } from '@stowage/content';
import type { Collector } from '../collector.ts';

/** Blobs of the store, which all namespaces share. */
export function contentCollector(store: ContentStore): Collector {
  return {
    name: 'content',
    async collect(options) {
      let blobs = 0;
      let bytes = 0n;
      for await (const { sizeBytes } of store.list([], options)) {
        blobs += 1;
        bytes += sizeBytes;
      }
      let ingests = 0;
      for await (const _ of store.statuses([], options)) ingests += 1;
      return [
        {
          name: 'stowage_content_blobs',
          help: 'Blobs in the content store.',
          type: 'gauge',
          samples: [{ value: blobs }],
        },
        {
          name: 'stowage_content_bytes',
          help: 'Bytes of the blobs in the content store.',
          type: 'gauge',
          samples: [{ value: bytes }],
        },
        {
          name: 'stowage_content_ingests',
          help: 'Blobs that are being written, or were left before they were whole.',
          type: 'gauge',
          samples: [{ value: ingests }],
        },
      ];
    },
  };
}
