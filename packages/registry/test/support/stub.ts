import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Descriptor, digestOf, MEDIA_TYPE } from '@stowage/core';

export interface Stub extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly host: string;
  readonly origin: string;
  /** What was asked: `GET /v2/… header=value`, in order. */
  readonly log: readonly Asked[];
}

export interface Asked {
  readonly line: string;
  readonly headers: IncomingMessage['headers'];
}

/** A server on loopback that answers as told and notes what it was asked. */
export async function stub(answer: RequestListener, address = '127.0.0.1'): Promise<Stub> {
  const log: Asked[] = [];
  const server = createServer((request, response) => {
    log.push({ line: `${request.method} ${request.url}`, headers: request.headers });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    host: `${address}:${port}`,
    origin: `http://${address}:${port}`,
    log,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const MANIFEST = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociManifest,
    config: { mediaType: MEDIA_TYPE.ociConfig, digest: digestOf('{}'), size: 2 },
    layers: [],
  }),
);

export const BLOB = Buffer.alloc(300_000, 'layer ');

export const blobDescriptor: Descriptor = {
  mediaType: MEDIA_TYPE.ociLayerGzip,
  digest: digestOf(BLOB),
  size: BigInt(BLOB.byteLength),
};

/** Answers as a healthy registry with one manifest under any name, and one blob. */
export function healthy(request: IncomingMessage, response: ServerResponse): void {
  if (request.url?.includes('/manifests/')) {
    response.setHeader('content-type', MEDIA_TYPE.ociManifest);
    response.setHeader('docker-content-digest', digestOf(MANIFEST));
    response.setHeader('content-length', MANIFEST.byteLength);
    response.end(request.method === 'HEAD' ? undefined : MANIFEST);
  } else {
    response.setHeader('content-length', BLOB.byteLength);
    response.end(BLOB);
  }
}

export async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}
