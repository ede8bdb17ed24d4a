import { type CallOptions, Fault } from '@stowage/core';
import type { Api, ApiCall } from './api.ts';
import { readBody } from './body.ts';
import type { HttpResponse } from './http.ts';
import { MAX_MANIFEST_BYTES } from './manifest-types.ts';
import { statusFault } from './status-fault.ts';
import { limited } from './time-limit.ts';

const MAX_PAGES = 1000;

/** One page of a list, with the headers that it came with. */
export interface Page {
  readonly bytes: Buffer;
  readonly headers: HttpResponse['headers'];
}

export interface PagesCall
  extends Pick<ApiCall, 'subject' | 'host' | 'needs' | 'scopes' | 'headers'>,
    CallOptions {
  readonly path: string;
  /** For each page. */
  readonly timeoutMs: number;
}

/**
 * The pages of a list, by the header `Link` of each; none if the registry does not have it. They are got as they are read.
 *
 * @throws Fault `failed_precondition` if the pages go in circles or elsewhere, or on for ever.
 * @see distribution-spec, "Listing Tags"; RFC 8288
 */
export async function* pages(api: Api, call: PagesCall): AsyncGenerator<Page> {
  const { subject, timeoutMs, signal } = call;
  const seen = new Set<string>();
  let path: string | undefined = call.path;
  for (let count = 0; path !== undefined; count++) {
    if (count === MAX_PAGES)
      throw new Fault('failed_precondition', `${subject}: more than ${MAX_PAGES} pages`);
    if (seen.has(path)) throw new Fault('failed_precondition', `${subject}: its pages go in circles`);
    seen.add(path);
    const asked: string = path;
    const page = await limited(subject, timeoutMs, { signal }, (until) => get(api, call, asked, until));
    if (page === undefined) return;
    yield page;
    path = page.next;
  }
}

async function get(
  api: Api,
  call: PagesCall,
  path: string,
  signal: AbortSignal,
): Promise<(Page & { readonly next: string | undefined }) | undefined> {
  const { subject } = call;
  await using response = await api.call({ ...call, method: 'GET', path, signal });
  if (response.status === 404) return undefined;
  if (response.status !== 200) throw await statusFault(subject, response);
  const bytes = await readBody(subject, response, MAX_MANIFEST_BYTES);
  return { bytes, headers: response.headers, next: nextOf(subject, response, path) };
}

/** @returns what stands below the root of the API, so that it is asked for like the first, of the same registry. */
function nextOf(subject: string, { url, headers }: HttpResponse, path: string): string | undefined {
  const link = Array.isArray(headers.link) ? headers.link.join(', ') : headers.link;
  const [, target] = /<([^<>]{0,4096})>[^<>,]*;[ \t]*rel="?next"?/i.exec((link ?? '').slice(0, 8192)) ?? [];
  if (target === undefined) return undefined;
  const next = URL.parse(target, url.href);
  if (next === null || next.origin !== url.origin || next.pathname !== url.pathname)
    throw new Fault('failed_precondition', `${subject}: its next page is somewhere else`);
  next.searchParams.delete('ns');
  const [own = ''] = path.split('?', 1);
  return `${own}${next.search}`;
}
