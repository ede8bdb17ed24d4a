import { Fault } from '@stowage/core';
import type { HttpResponse } from './http.ts';
import { shown } from './network-fault.ts';

/**
 * A whole body that must be short.
 *
 * @throws Fault `resource_exhausted` if it is not; no more than the limit is held. `failed_precondition` if it is packed,
 *   which was not asked for and could unpack to anything.
 */
export async function readBody(subject: string, response: HttpResponse, maxBytes: number): Promise<Buffer> {
  const encoding = response.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    throw new Fault('failed_precondition', `${subject}: what it sends is packed (${shown(response.url)})`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.byteLength;
    if (size > maxBytes) {
      throw new Fault(
        'resource_exhausted',
        `${subject}: more than ${maxBytes} bytes came (${shown(response.url)})`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
