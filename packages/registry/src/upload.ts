import { type CallOptions, type Digest, Fault } from '@stowage/core';
import type { Api } from './api.ts';
import type { Access } from './authorizer.ts';
import type { HttpResponse } from './http.ts';

/** An upload that a registry has begun: where its next request goes, and what is known of its progress. */
export interface Upload {
  readonly location: URL;
  /** Bytes that the registry has. */
  readonly offset: bigint;
  /** The least that it takes at a time, but for the last. */
  readonly minChunkBytes: bigint;
}

/** Whom requests of one operation go to. */
export interface Asked {
  readonly api: Api;
  readonly access: Access;
  /** For messages. */
  readonly subject: string;
}

export interface UploadTarget extends Asked {
  /** Finishing a large blob takes a registry as long as it takes to hash or move it. */
  readonly answerTimeoutMs: number;
}

/**
 * Where an answer says that the upload goes on.
 *
 * @throws Fault `failed_precondition` for a place that is none, is less guarded, or has a password in it.
 * @see distribution-spec, "Pushing a blob in chunks": Location may be relative, and is opaque
 */
export function uploadOf({ subject }: UploadTarget, response: HttpResponse, offset: bigint): Upload {
  const { location } = response.headers;
  const to = location === undefined ? null : URL.parse(location, response.url.href);
  const fail = (reason: string) => new Fault('failed_precondition', `${subject}: ${reason}`);
  if (to === null) throw fail('the registry does not say where to upload to');
  if (to.protocol !== 'https:' && to.protocol !== 'http:')
    throw fail(`it is to be uploaded to ${to.protocol}`);
  if (response.url.protocol === 'https:' && to.protocol === 'http:')
    throw fail(`the registry is encrypted, and ${to.origin}, where it is to be uploaded to, is not`);
  if (to.username !== '' || to.password !== '') throw fail('it is to be uploaded to a URL with a password');
  const least = String(response.headers['oci-chunk-min-length'] ?? '');
  return { location: to, offset, minChunkBytes: /^[0-9]{1,15}$/.test(least) ? BigInt(least) : 0n };
}

/** Begins an upload, or mounts: the URL says which. @returns whatever the registry answers. */
export async function beginUpload(
  { api, access, subject }: UploadTarget,
  url: URL,
  { signal }: CallOptions,
): Promise<HttpResponse> {
  return api.ask(access, url, {
    subject,
    method: 'POST',
    headers: { 'content-length': '0' },
    signal,
  });
}

/** Sends all the rest and ends the upload. @returns whatever the registry answers. */
export function finishUpload(
  { api, access, subject, answerTimeoutMs }: UploadTarget,
  { location }: Upload,
  digest: Digest,
  size: bigint,
  open: (() => AsyncIterable<Uint8Array>) | undefined,
  { signal }: CallOptions,
): Promise<HttpResponse> {
  // Appended as text: what the registry wrote may be signed as it stands.
  const url = new URL(location);
  url.search = `${url.search === '' ? '?' : `${url.search}&`}digest=${encodeURIComponent(digest)}`;
  const headers = { 'content-type': 'application/octet-stream', 'content-length': String(size) };
  const sent = { subject, method: 'PUT' as const, headers, signal, answerTimeoutMs, isRepeatable: false };
  return api.ask(access, url, { ...sent, body: size === 0n ? new Uint8Array() : open });
}

/** Sends a part. @returns whatever the registry answers. */
export function sendPart(
  { api, access, subject, answerTimeoutMs }: UploadTarget,
  { location, offset }: Upload,
  size: bigint,
  open: () => AsyncIterable<Uint8Array>,
  { signal }: CallOptions,
): Promise<HttpResponse> {
  const headers = {
    'content-type': 'application/octet-stream',
    'content-length': String(size),
    'content-range': `${offset}-${offset + size - 1n}`,
  };
  const sent = { subject, method: 'PATCH' as const, headers, signal, answerTimeoutMs, isRepeatable: false };
  return api.ask(access, location, { ...sent, body: open });
}

/**
 * How far an upload has come.
 *
 * @param sent - bytes that were sent at most; a registry that claims more is not believed.
 * @returns none if the registry does not know the upload any more, or does not tell.
 */
export async function statusOf(
  target: UploadTarget,
  upload: Upload,
  sent: bigint,
  { signal }: CallOptions,
): Promise<Upload | undefined> {
  const { api, access, subject } = target;
  await using response = await api.ask(access, upload.location, { subject, method: 'GET', signal });
  if (response.status !== 204 && response.status !== 200 && response.status !== 202) return undefined;
  if (response.headers.range === undefined) return undefined;
  const offset = receivedOf(subject, response, sent);
  const next = response.headers.location === undefined ? upload : uploadOf(target, response, offset);
  return { ...upload, location: next.location, offset };
}

/**
 * How many bytes a registry says it has: `Range: 0-99` is a hundred. `0-0` is what registries say of nothing too; it is
 * taken for that, and a first byte is sent again rather than lost.
 *
 * @throws Fault `failed_precondition` if it says more than was sent, or nothing that can be understood.
 */
export function receivedOf(subject: string, { headers }: HttpResponse, sent: bigint): bigint {
  const [, last] = /^(?:bytes=)?0-([0-9]{1,18})$/.exec(headers.range ?? '') ?? [];
  if (last === undefined)
    throw new Fault('failed_precondition', `${subject}: the registry does not say how much it has`);
  const has = last === '0' && sent !== 1n ? 0n : BigInt(last) + 1n;
  if (has > sent)
    throw new Fault(
      'failed_precondition',
      `${subject}: the registry says it has ${has} bytes of the ${sent} that were sent`,
    );
  return has;
}

/** Lets the registry forget an upload. Its failure changes nothing: registries drop old uploads themselves. */
export async function cancelUpload(
  { api, access, subject }: UploadTarget,
  { location }: Upload,
): Promise<void> {
  try {
    const signal = AbortSignal.timeout(5000);
    const once = { subject, method: 'DELETE' as const, signal, isRepeatable: false };
    await (await api.ask(access, location, once))[Symbol.asyncDispose]();
  } catch (e) {
    if (!Fault.is(e) && (e as Partial<Error>).name !== 'TimeoutError') throw e;
  }
}

/** What an upload that ended says of itself. @throws Fault `failed_precondition` for another digest. */
export function expectDigest(subject: string, { headers }: HttpResponse, digest: Digest): void {
  const told = headers['docker-content-digest'];
  if (
    told !== undefined &&
    told !== digest &&
    String(told).startsWith(digest.slice(0, digest.indexOf(':') + 1))
  )
    throw new Fault('failed_precondition', `${subject}: the registry took it for other bytes than were sent`);
}
