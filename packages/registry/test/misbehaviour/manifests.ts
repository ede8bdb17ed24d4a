import { MEDIA_TYPE } from '@stowage/core';
import { MANIFEST } from '../support/stub.ts';
import {
  DIGEST,
  endlessly,
  fetchManifest,
  manifestDescriptor,
  OTHER,
  onGet,
  resolve,
  resolveDigest,
  saying,
  TYPE,
} from './answers.ts';
import type { Misbehaviour } from './scene.ts';

const size = MANIFEST.byteLength;
const lie = { ...TYPE, 'docker-content-digest': OTHER };
const both = '{"schemaVersion":2,"manifests":[],"config":{},"layers":[]}';
const schema1 = 'application/vnd.docker.distribution.manifest.v1+prettyjws';

/** What a name stands for. */
export const manifests: readonly Misbehaviour[] = [
  {
    id: 'manifest-digest-lie',
    answer: () => onGet(lie),
    ask: resolve,
    kind: 'failed_precondition',
    says: /should be/,
  },
  {
    id: 'manifest-other-than-asked',
    answer: () => onGet(TYPE),
    ask: resolveDigest,
    kind: 'failed_precondition',
  },
  {
    id: 'manifest-head-lies',
    answer: () => saying({ ...TYPE, ...DIGEST }),
    ask: resolveDigest,
    kind: 'failed_precondition',
  },
  {
    id: 'manifest-digest-climbs',
    answer: () => onGet({ ...TYPE, 'docker-content-digest': 'sha256:../../etc/passwd' }),
    ask: resolve,
    kind: 'failed_precondition',
  },
  { id: 'manifest-and-index', answer: () => onGet({}, both), ask: resolve, kind: 'invalid_argument' },
  {
    id: 'manifest-fetched-as-index',
    answer: () => saying({ 'content-type': MEDIA_TYPE.ociIndex }),
    ask: fetchManifest,
    kind: 'failed_precondition',
    says: /not application\/vnd\.oci\.image\.manifest/,
  },
  {
    id: 'manifest-web-page',
    answer: () => onGet({ 'content-type': 'text/html' }, '<html>'),
    ask: resolve,
    kind: 'invalid_argument',
  },
  {
    id: 'manifest-schema-1',
    answer: () => onGet({ 'content-type': schema1 }),
    ask: resolve,
    kind: 'unimplemented',
    says: /push the image again/,
  },
  {
    id: 'manifest-becomes-schema-1',
    answer: () => saying({ 'content-type': schema1 }),
    ask: fetchManifest,
    kind: 'unimplemented',
  },
  {
    id: 'manifest-endless',
    answer: () => (request, response) => {
      if (request.method === 'HEAD') return void response.writeHead(405).end();
      response.writeHead(200, TYPE);
      endlessly(response);
    },
    ask: resolve,
    kind: 'resource_exhausted',
  },
  {
    id: 'manifest-announced-too-large',
    answer: () => saying({ ...TYPE, ...DIGEST, 'content-length': 5_000_000 }),
    ask: resolve,
    kind: 'resource_exhausted',
  },
  {
    id: 'manifest-packed',
    answer: () => onGet({ ...TYPE, 'content-encoding': 'gzip' }),
    ask: resolve,
    kind: 'failed_precondition',
    says: /packed/,
  },
  {
    id: 'manifest-deep',
    answer: () => onGet({}, '['.repeat(1_000_000)),
    ask: resolve,
    kind: 'invalid_argument',
  },
  {
    id: 'manifest-no-text',
    answer: () => onGet({}, Buffer.of(0x7b, 0xff, 0x7d)),
    ask: resolve,
    kind: 'invalid_argument',
  },
  {
    id: 'manifest-a-byte-more',
    answer: () =>
      saying({ ...TYPE, 'transfer-encoding': 'chunked' }, Buffer.concat([MANIFEST, Buffer.of(32)])),
    ask: fetchManifest,
    kind: 'failed_precondition',
  },
  {
    id: 'manifest-a-byte-less',
    answer: () => saying({ ...TYPE, 'transfer-encoding': 'chunked' }, MANIFEST.subarray(1)),
    ask: fetchManifest,
    kind: 'unavailable',
  },
  {
    id: 'manifest-size-lie',
    answer: () => (request, response) =>
      void saying({ ...TYPE, ...DIGEST, 'content-length': request.method === 'HEAD' ? size + 1 : size })(
        request,
        response,
      ),
    ask: async ({ registry, host }) => {
      const { name, descriptor } = await registry.resolve(`${host}/x:1`);
      for await (const _ of registry.fetch(name, descriptor));
    },
    kind: 'failed_precondition',
    says: new RegExp(`${size} bytes, not ${size + 1}`),
  },
  {
    id: 'manifest-is-a-blob',
    answer: () => saying({}, 'x', 404),
    ask: ({ registry, host }) => registry.resolve(`${host}/x@${manifestDescriptor.digest}`),
    kind: 'not_found',
  },
  {
    id: 'manifest-error-speaks-to-terminals',
    answer: () =>
      saying({}, JSON.stringify({ errors: [{ code: 'DENIED', message: '\u001b[2J\u202e' }] }), 403),
    ask: resolve,
    kind: 'permission_denied',
    says: /\\u001b\[2J\\u202e/,
  },
];
