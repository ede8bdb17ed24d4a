import { type CallOptions, type Descriptor, Fault } from '@stowage/core';
import { pulling } from './access.ts';
import type { Api, ApiCall } from './api.ts';
import type { HttpResponse } from './http.ts';
import { isManifestType, MAX_MANIFEST_BYTES, mediaTypeOf, refuseSchema1 } from './manifest-types.ts';
import { atLeast } from './pace.ts';
import type { Reference } from './reference.ts';
import { statusFault } from './status-fault.ts';

export interface FetchOptions extends CallOptions {
  /** First byte, counted from 0. */
  readonly offset?: bigint | undefined;
}

/**
 * The bytes of a blob from an offset on: as many as the descriptor says, or a failure. They are not hashed here, for
 * whoever resumes has only a part; a content store hashes them.
 *
 * @param idleTimeoutMs - in which at least a kilobyte must come.
 * @throws Fault `failed_precondition` if the registry says or sends more; `unavailable` if it sends less, or too slowly.
 */
export async function* fetchBlob(
  api: Api,
  reference: Reference,
  descriptor: Descriptor,
  { offset = 0n, signal }: FetchOptions,
  idleTimeoutMs: number,
): AsyncGenerator<Uint8Array> {
  const { digest, mediaType, size } = descriptor;
  const subject = `fetch ${digest} of ${reference.host}/${reference.repository}`;
  refuseSchema1(subject, mediaType);
  if (offset < 0n || offset > size)
    throw new Fault('out_of_range', `${subject}: offset ${offset} of ${size}`);
  const isManifest = isManifestType(mediaType);
  if (isManifest && size > BigInt(MAX_MANIFEST_BYTES)) {
    throw new Fault(
      'resource_exhausted',
      `${subject}: ${size} bytes of manifest, the most is ${MAX_MANIFEST_BYTES}`,
    );
  }
  if (offset === size) return;
  const call = { subject, method: 'GET' as const, ...pulling(reference), signal };
  await using response = await open(api, call, reference, descriptor, offset);
  if (response.status !== 200 && response.status !== 206) throw await statusFault(subject, response);
  if (isManifest) expectType(subject, response, mediaType);
  let skip = expectRange(subject, response, size, offset);
  let missing = size - offset;
  for await (const chunk of atLeast(subject, response.body, idleTimeoutMs)) {
    let part = chunk;
    if (skip > 0n) {
      const cut = skip < BigInt(part.byteLength) ? Number(skip) : part.byteLength;
      skip -= BigInt(cut);
      part = part.subarray(cut);
    }
    if (part.byteLength === 0) continue;
    missing -= BigInt(part.byteLength);
    if (missing < 0n)
      throw new Fault('failed_precondition', `${subject}: the registry sends more than ${size} bytes`);
    yield part;
  }
  if (missing > 0n) throw new Fault('unavailable', `${subject}: the registry ended ${missing} bytes early`);
}

async function open(
  api: Api,
  call: Omit<ApiCall, 'path'>,
  { repository }: Reference,
  { digest, mediaType }: Descriptor,
  offset: bigint,
): Promise<HttpResponse> {
  const isManifest = isManifestType(mediaType);
  const headers = {
    accept: isManifest ? mediaType : '*/*',
    ...(offset > 0n && { range: `bytes=${offset}-` }),
  };
  const path = `${repository}/${isManifest ? 'manifests' : 'blobs'}/${digest}`;
  const response = await api.call({ ...call, path, headers });
  if (response.status !== 416) return response;
  // It can't give a part; then all, of which what is known is skipped.
  await response[Symbol.asyncDispose]();
  return api.call({ ...call, path, headers: { accept: headers.accept } });
}

/** Bytes that are one kind of manifest to the registry and another to whoever asked are told apart by nobody later. */
function expectType(subject: string, { headers }: HttpResponse, mediaType: string): void {
  const told = mediaTypeOf(headers['content-type']);
  refuseSchema1(subject, told);
  if (isManifestType(told) && told !== mediaType)
    throw new Fault('failed_precondition', `${subject}: the registry sends ${told}, not ${mediaType}`);
}

/**
 * Checks what the registry says it will send, so that a lie is told before the first byte.
 *
 * @returns how many bytes to skip: a registry may ignore that a part was asked for.
 */
function expectRange(
  subject: string,
  { status, headers }: HttpResponse,
  size: bigint,
  offset: bigint,
): bigint {
  const fail = (reason: string) => new Fault('failed_precondition', `${subject}: ${reason}`);
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') throw fail('the registry packs what it sends');
  const begin = status === 206 ? offset : 0n;
  if (status === 206) {
    const [, first, total] =
      /^bytes ([0-9]{1,18})-[0-9]{1,18}\/([0-9]{1,18}|\*)$/.exec(headers['content-range'] ?? '') ?? [];
    if (first === undefined || BigInt(first) !== offset)
      throw fail('the registry sends another part than was asked for');
    if (total !== '*' && total !== String(size))
      throw fail(`the registry says that it is ${total} bytes, not ${size}`);
  }
  const length = headers['content-length'];
  if (length !== undefined && length !== String(size - begin)) {
    throw fail(`the registry says that it sends ${length.slice(0, 20)} bytes, not ${size - begin}`);
  }
  return offset - begin;
}
