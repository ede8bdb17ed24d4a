import { Fault } from '@stowage/core';
import { isLoopback } from './addresses.ts';
import type { Http, HttpRequest, HttpResponse } from './http.ts';
import { shown } from './network-fault.ts';

const MAX_HOPS = 10;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * A request and where it leads. Another origin is sent none of the headers but the range of bytes that is asked for:
 * tokens, client certificates and a registry's own headers stay with the registry (CVE-2020-15157). What changes
 * something is followed within its origin only, and never as something else.
 *
 * @throws Fault `failed_precondition` for a hop that goes nowhere, in circles, or from https to http.
 */
export async function follow(http: Http, request: HttpRequest): Promise<HttpResponse> {
  const { origin } = request.url;
  const isReading = request.method === 'GET' || request.method === 'HEAD';
  // A registry on loopback may send on to another server there; any other may not.
  const allowLoopback = request.allowLoopback && isLoopback(request.url.hostname);
  let { url } = request;
  // Once it has left, it stays a stranger: whoever sends it back chose where to.
  let own = true;
  for (let hops = 0; ; hops++) {
    own &&= url.origin === origin;
    const response = await http.send(own ? { ...request, url } : asStranger(request, url, allowLoopback));
    if (!REDIRECTS.has(response.status)) return response;
    await response[Symbol.asyncDispose]();
    if (hops === MAX_HOPS) throw refused(request, `more than ${MAX_HOPS} redirects`);
    url = target(request, url, response.headers.location);
    if (isReading) continue;
    if (url.origin !== origin || response.status < 307)
      throw refused(request, `it redirects a ${request.method} (HTTP ${response.status})`);
  }
}

function asStranger({ subject, method, headers, signal }: HttpRequest, url: URL, allowLoopback: boolean) {
  const range = headers?.range;
  return { subject, method, url, allowLoopback, signal, headers: range === undefined ? {} : { range } };
}

function target(asked: HttpRequest, from: URL, location: string | undefined): URL {
  const to = location === undefined ? null : URL.parse(location, from.href);
  if (to === null) throw refused(asked, 'it redirects to nowhere');
  if (to.protocol !== 'https:' && to.protocol !== 'http:')
    throw refused(asked, `it redirects to ${to.protocol}`);
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw refused(asked, `it redirects from https to ${shown(to)}`);
  }
  if (to.username !== '' || to.password !== '') throw refused(asked, 'it redirects to a URL with a password');
  return to;
}

function refused({ subject, url }: HttpRequest, reason: string): Fault {
  return new Fault('failed_precondition', `${subject}: ${reason} (${shown(url)})`);
}
