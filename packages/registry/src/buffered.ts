import type { HttpResponse } from './http.ts';

/** The same answer without a hold on its connection, and with no more than the first so many bytes of its body. */
export async function buffered(response: HttpResponse, maxBytes: number): Promise<HttpResponse> {
  const kept: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body) {
      kept.push(chunk.subarray(0, maxBytes - size));
      size += chunk.byteLength;
      if (size >= maxBytes) break;
    }
  } finally {
    await response[Symbol.asyncDispose]();
  }
  const { url, status, headers, hint } = response;
  return { url, status, headers, hint, body: each(kept), [Symbol.asyncDispose]: async () => undefined };
}

async function* each(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
