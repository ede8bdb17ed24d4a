import { once } from 'node:events';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Fault } from '@stowage/core';

/**
 * Posts JSON. Nothing of the answer but its status is looked at.
 *
 * @throws Fault `unavailable` for a status other than 2xx; what the connection failed with; the signal's reason.
 */
export async function post(url: URL, body: string, signal: AbortSignal): Promise<void> {
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const sent: ClientRequest = request(url, { method: 'POST', headers, signal });
  sent.end(body);
  const [response] = (await once(sent, 'response', { signal })) as [IncomingMessage];
  response.resume();
  const { statusCode = 0 } = response;
  if (statusCode < 200 || statusCode > 299) throw new Fault('unavailable', `the answer was ${statusCode}`);
  await once(response, 'close', { signal });
}
