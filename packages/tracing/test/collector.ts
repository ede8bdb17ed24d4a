import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Value {
  readonly stringValue?: string;
  readonly intValue?: string;
}

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: ReadonlyArray<{ readonly key: string; readonly value: Value }>;
  readonly status: { readonly code?: number; readonly message?: string };
}

/** A collector that keeps what it is sent. */
export async function startCollector(status = 200) {
  const spans: ReceivedSpan[] = [];
  const requests: Array<{ readonly path: string; readonly type: string; readonly resource: unknown }> = [];
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString()) as {
      resourceSpans: Array<{
        resource: { attributes: unknown };
        scopeSpans: Array<{ spans: ReceivedSpan[] }>;
      }>;
    };
    for (const { resource, scopeSpans } of resourceSpans) {
      const type = req.headers['content-type'] ?? '';
      requests.push({ path: req.url ?? '', type, resource: resource.attributes });
      for (const scope of scopeSpans) spans.push(...scope.spans);
    }
    res.writeHead(status, { 'content-type': 'application/json' }).end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: new URL(`http://127.0.0.1:${port}`),
    spans,
    requests,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
