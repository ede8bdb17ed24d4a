import { algorithmOf, type CallOptions, type Digest, Fault, hexOf, MEDIA_TYPE } from '@stowage/core';
import { changing, pulling } from './access.ts';
import type { Api } from './api.ts';
import { readBody } from './body.ts';
import { parseFields, type Referrer, readDescriptor } from './descriptor-fields.ts';
import { apiUrl } from './endpoint.ts';
import { MAX_MANIFEST_BYTES, mediaTypeOf } from './manifest-types.ts';
import type { Reference } from './reference.ts';
import { statusFault } from './status-fault.ts';
import { limited } from './time-limit.ts';

/** The tag that lists what refers to a digest, where a registry does not (distribution-spec, "Referrers Tag Schema"). */
export function referrersTag(digest: Digest): string {
  return `${algorithmOf(digest).slice(0, 32)}-${hexOf(digest).slice(0, 64)}`;
}

/** What such a tag lists; nothing if there is none. */
export async function taggedReferrers(
  api: Api,
  reference: Reference,
  tag: string,
  { signal }: CallOptions,
  timeoutMs: number,
): Promise<Referrer[]> {
  const { host, repository } = reference;
  const subject = `list referrers at ${host}/${repository}:${tag}`;
  return limited(subject, timeoutMs, { signal }, async (until) => {
    await using response = await api.call({
      subject,
      ...pulling(reference),
      needs: 'resolve',
      method: 'GET',
      path: `${repository}/manifests/${tag}`,
      headers: { accept: MEDIA_TYPE.ociIndex },
      signal: until,
    });
    if (response.status === 404) return [];
    if (response.status !== 200) throw await statusFault(subject, response);
    const bytes = await readBody(subject, response, MAX_MANIFEST_BYTES);
    const fail = (reason: string, cause?: unknown) =>
      new Fault('failed_precondition', `${subject}: ${reason}`, { cause });
    if (mediaTypeOf(response.headers['content-type']) !== MEDIA_TYPE.ociIndex) throw fail('it is no index');
    try {
      const { manifests } = parseFields(subject, bytes);
      if (!Array.isArray(manifests)) throw fail('it has no list');
      return manifests.map((one) => readDescriptor(subject, one));
    } catch (e) {
      throw Fault.is(e, 'invalid_argument') ? fail('it is no index', e) : e;
    }
  });
}

const UPDATE_TIMEOUT_MS = 120_000;

/**
 * Adds to what such a tag lists. Registries offer no way to do that at once: of two that add at the same time, one may be
 * lost.
 */
export async function addReferrer(
  api: Api,
  reference: Reference,
  about: Digest,
  referrer: Referrer,
  { signal }: CallOptions,
): Promise<void> {
  const tag = referrersTag(about);
  const { host, repository } = reference;
  const subject = `list ${referrer.digest} as referrer at ${host}/${repository}:${tag}`;
  const known = await taggedReferrers(api, reference, tag, { signal }, UPDATE_TIMEOUT_MS);
  if (known.some(({ digest }) => digest === referrer.digest)) return;
  const manifests = [...known, referrer].map(({ size, ...rest }) => ({ ...rest, size: Number(size) }));
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests };
  const body = Buffer.from(JSON.stringify(index));
  const endpoint = await api.pushEndpoint(subject, host);
  const url = apiUrl(endpoint, `${repository}/manifests/${tag}`);
  const headers = { 'content-type': MEDIA_TYPE.ociIndex, 'content-length': String(body.byteLength) };
  const access = { endpoint, scopes: changing(reference, ['pull', 'push']).scopes };
  await using response = await api.ask(access, url, { subject, method: 'PUT', headers, body, signal });
  if (response.status !== 201) throw await statusFault(subject, response);
}
