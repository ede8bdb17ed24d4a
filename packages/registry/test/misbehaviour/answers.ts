import type { RequestListener, ServerResponse } from 'node:http';
import { type Descriptor, digestOf, MEDIA_TYPE } from '@stowage/core';
import { BLOB, blobDescriptor, bytesOf, MANIFEST } from '../support/stub.ts';
import type { Scene } from './scene.ts';

export const TYPE = { 'content-type': MEDIA_TYPE.ociManifest };
export const DIGEST = { 'docker-content-digest': digestOf(MANIFEST) };
export const OTHER = digestOf('other');
export const manifestDescriptor: Descriptor = {
  mediaType: MEDIA_TYPE.ociManifest,
  digest: digestOf(MANIFEST),
  size: BigInt(MANIFEST.byteLength),
};

type Headers = Record<string, string | number>;

/** Answers with these headers, and all but HEAD with this body. */
export function saying(
  headers: Headers,
  body: Uint8Array | string = MANIFEST,
  status = 200,
): RequestListener {
  return (request, response) => {
    response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : body);
  };
}

/** Answers GET like this, and refuses HEAD, so that GET is asked. */
export function onGet(headers: Headers, body: Uint8Array | string = MANIFEST): RequestListener {
  return (request, response) => {
    if (request.method === 'HEAD') response.writeHead(405).end();
    else saying(headers, body)(request, response);
  };
}

const SPACES = Buffer.alloc(65_536, ' ');

/** Sends as fast as it is read, for ever. */
export function endlessly(response: ServerResponse): void {
  const more = () => {
    while (!response.destroyed && response.write(SPACES));
  };
  response.on('drain', more);
  more();
}

/** A byte now and then, for ever. */
export function dripping(response: ServerResponse, headers: Headers = {}): void {
  response.writeHead(200, headers).flushHeaders();
  const timer = setInterval(() => response.write(' '), 60);
  response.on('close', () => clearInterval(timer));
}

export const resolve = ({ registry, host }: Scene) => registry.resolve(`${host}/x:1`);
export const resolveDigest = ({ registry, host }: Scene) => registry.resolve(`${host}/x@${OTHER}`);
export const fetchBlob = ({ registry, host }: Scene) =>
  bytesOf(registry.fetch(`${host}/x:1`, blobDescriptor));
export const fetchManifest = ({ registry, host }: Scene) =>
  bytesOf(registry.fetch(`${host}/x:1`, manifestDescriptor));

/** From an offset on; fails unless the right bytes come. */
export async function fetchRest({ registry, host }: Scene): Promise<void> {
  const bytes = await bytesOf(registry.fetch(`${host}/x:1`, blobDescriptor, { offset: 1000n }));
  if (!BLOB.subarray(1000).equals(bytes)) throw new Error('wrong bytes');
}

export const pushBlob = ({ registry, host }: Scene, more: object = {}) =>
  registry.pushBlob(
    `${host}/x:1`,
    blobDescriptor,
    async function* (offset) {
      yield BLOB.subarray(Number(offset));
    },
    more,
  );
