import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request for a blob, as it passed. */
export interface BlobRequest {
  /** The blob's digest. */
  readonly digest: string;
  /** The Range header; empty if the whole blob was asked for. */
  readonly range: string;
  /** Bytes of it that were passed on so far. */
  readonly sentBytes: number;
}

/** Stands before a registry, counts what it passes on, and stops in the middle of large blobs until it is opened. */
export interface RegistryFront extends AsyncDisposable {
  readonly host: string;
  readonly blobRequests: readonly BlobRequest[];
  /** Bytes of blobs that were passed on, in all. */
  sentBytes(): number;
  /** From now on all is passed on; what was stopped stays so. */
  open(): void;
  /** Lets what was stopped go on as well. */
  resume(): void;
}

/** @param holdAfterBytes - How much of blobs is passed on before it stops. */
export async function startRegistryFront(host: string, holdAfterBytes: number): Promise<RegistryFront> {
  const blobRequests: Array<{ digest: string; range: string; sentBytes: number }> = [];
  const sentBytes = () => blobRequests.reduce((sum, one) => sum + one.sentBytes, 0);
  const stopped = new Set<IncomingMessage>();
  let isOpen = false;
  const [hostname = '', port = ''] = host.split(':');
  const server = createServer((incoming, answer) => {
    const { method = '', url = '', headers } = incoming;
    const to = { hostname, port, method, path: url, headers: { ...headers, host } };
    const outgoing = request(to, (response) => {
      answer.writeHead(response.statusCode ?? 500, response.headers);
      const [, digest] = /\/blobs\/(sha256:\w+)$/.exec(url) ?? [];
      const one = { digest: digest ?? '', range: headers.range ?? '', sentBytes: 0 };
      const isCounted = method === 'GET' && digest !== undefined;
      if (isCounted) blobRequests.push(one);
      response.on('data', (chunk: Buffer) => {
        const isFull = !answer.write(chunk);
        one.sentBytes += chunk.length;
        if (isCounted && !isOpen && sentBytes() > holdAfterBytes) {
          response.pause();
          stopped.add(response);
        } else if (isFull) {
          response.pause();
          answer.once('drain', () => {
            if (!stopped.has(response)) response.resume();
          });
        }
      });
      response.on('end', () => answer.end());
      response.on('error', () => answer.destroy());
      answer.on('close', () => {
        stopped.delete(response);
        response.destroy();
      });
    });
    outgoing.on('error', () => answer.destroy());
    outgoing.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    blobRequests,
    sentBytes,
    open: () => {
      isOpen = true;
    },
    resume: () => {
      isOpen = true;
      for (const response of stopped) response.resume();
      stopped.clear();
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
