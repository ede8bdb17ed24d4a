import type { RequestListener } from 'node:http';
import { MEDIA_TYPE } from '@stowage/core';
import { BLOB } from '../support/stub.ts';
import { endlessly, fetchBlob, fetchRest, OTHER, saying } from './answers.ts';
import type { Misbehaviour } from './scene.ts';

const size = BLOB.byteLength;
const chunked = { 'transfer-encoding': 'chunked' };
const part = (range: string, bytes: Uint8Array = BLOB.subarray(1000), status = 206): RequestListener =>
  saying({ 'content-range': range, ...chunked }, bytes, status);
const right = `bytes 1000-${size - 1}/${size}`;
/** As BLOB, with a byte turned. */
const turned = Buffer.from(BLOB.map((byte, i) => (i === 5 ? byte ^ 1 : byte)));

/** Bytes of a known size. */
export const blobs: readonly Misbehaviour[] = [
  {
    id: 'blob-a-byte-more',
    answer: () => saying(chunked, Buffer.concat([BLOB, Buffer.of(0)])),
    ask: fetchBlob,
    kind: 'failed_precondition',
  },
  {
    id: 'blob-a-byte-less',
    answer: () => saying(chunked, BLOB.subarray(1)),
    ask: fetchBlob,
    kind: 'unavailable',
    says: /1 bytes early/,
  },
  {
    id: 'blob-length-plus-one',
    answer: () => saying({ 'content-length': size + 1 }, BLOB),
    ask: fetchBlob,
    kind: 'failed_precondition',
  },
  {
    id: 'blob-length-minus-one',
    answer: () => saying({ 'content-length': size - 1 }, BLOB.subarray(1)),
    ask: fetchBlob,
    kind: 'failed_precondition',
  },
  { id: 'blob-empty', answer: () => saying(chunked, ''), ask: fetchBlob, kind: 'unavailable' },
  {
    id: 'blob-endless',
    answer: () => (_, response) => {
      response.writeHead(200);
      endlessly(response);
    },
    ask: fetchBlob,
    kind: 'failed_precondition',
  },
  {
    id: 'blob-cut',
    answer: () => (_, response) => {
      response.writeHead(200, { 'content-length': size });
      response.write(BLOB.subarray(0, 1000), () => response.destroy());
    },
    ask: fetchBlob,
    kind: 'unavailable',
  },
  {
    id: 'blob-reset',
    answer: () => (request, response) => {
      response.writeHead(200, { 'content-length': size });
      response.write(BLOB.subarray(0, 1000), () => request.socket.resetAndDestroy());
    },
    ask: fetchBlob,
    kind: 'unavailable',
  },
  {
    id: 'blob-packed',
    answer: () => saying({ 'content-encoding': 'gzip' }, BLOB),
    ask: fetchBlob,
    kind: 'failed_precondition',
  },
  {
    id: 'blob-packed-twice',
    answer: () => saying({ 'content-encoding': 'gzip, br' }, BLOB),
    ask: fetchBlob,
    kind: 'failed_precondition',
  },
  {
    id: 'blob-other-bytes',
    answer: () => saying({}, turned),
    // Whoever stores it hashes it; here only its size is known to be right.
    ask: async (scene) => {
      if (!(await fetchBlob(scene)).equals(turned)) throw new Error('not what was sent');
    },
    kind: 'fine',
  },
  { id: 'range-ignored', answer: () => saying({}, BLOB), ask: fetchRest, kind: 'fine' },
  {
    id: 'range-ignored-and-cut',
    answer: () => saying(chunked, BLOB.subarray(0, 2000)),
    ask: fetchRest,
    kind: 'unavailable',
  },
  {
    id: 'range-other-part',
    answer: () => part(`bytes 999-${size - 1}/${size}`),
    ask: fetchRest,
    kind: 'failed_precondition',
    says: /another part/,
  },
  {
    id: 'range-of-something-larger',
    answer: () => part(`bytes 1000-${size}/${size + 1}`),
    ask: fetchRest,
    kind: 'failed_precondition',
  },
  {
    id: 'range-nonsense',
    answer: () => part('bytes of all sorts'),
    ask: fetchRest,
    kind: 'failed_precondition',
  },
  {
    id: 'range-missing',
    answer: () => saying(chunked, BLOB.subarray(1000), 206),
    ask: fetchRest,
    kind: 'failed_precondition',
  },
  { id: 'range-short', answer: () => part(right, BLOB.subarray(1001)), ask: fetchRest, kind: 'unavailable' },
  {
    id: 'range-overlong',
    answer: () => part(right, BLOB.subarray(999)),
    ask: fetchRest,
    kind: 'failed_precondition',
  },
  {
    id: 'range-in-several-parts',
    answer: () => saying({ 'content-type': 'multipart/byteranges; boundary=x', ...chunked }, BLOB, 206),
    ask: fetchRest,
    kind: 'failed_precondition',
  },
  {
    id: 'range-refused',
    answer: () => (request, response) =>
      void (request.headers.range === undefined ? response.end(BLOB) : response.writeHead(416).end()),
    ask: fetchRest,
    kind: 'fine',
  },
  { id: 'range-always-refused', answer: () => saying({}, '', 416), ask: fetchRest, kind: 'out_of_range' },
  {
    id: 'foreign-url',
    answer: () => saying({}, '', 404),
    ask: async ({ registry, host, other }) => {
      const foreign = {
        mediaType: MEDIA_TYPE.dockerLayerGzip,
        digest: OTHER,
        size: 5n,
        urls: [`${other.origin}/layer`],
      };
      for await (const _ of registry.fetch(`${host}/x:1`, foreign));
    },
    kind: 'not_found',
    check: ({ other }) => {
      if (other.log.length > 0) throw new Error('the foreign URL was asked');
    },
  },
];
