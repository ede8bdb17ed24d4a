import {
  algorithmOf,
  type CallOptions,
  type Descriptor,
  type Digest,
  digestOf,
  Fault,
  parseDigest,
} from '@stowage/core';
import { pulling } from './access.ts';
import type { Api } from './api.ts';
import { readBody } from './body.ts';
import type { HttpResponse } from './http.ts';
import {
  isManifestType,
  MANIFEST_TYPES,
  MAX_MANIFEST_BYTES,
  mediaTypeOf,
  refuseSchema1,
  sniffType,
} from './manifest-types.ts';
import type { Reference } from './reference.ts';
import { statusFault } from './status-fault.ts';

/**
 * What a reference stands for now. HEAD tells, where a registry says all that is needed; else the manifest is read.
 *
 * @throws Fault `failed_precondition` if the registry contradicts itself or the reference's digest.
 */
export async function resolveReference(
  api: Api,
  reference: Reference,
  { signal }: CallOptions,
): Promise<Descriptor> {
  const { name, tag, digest } = reference;
  const subject = `resolve ${name}`;
  const at = digest ?? tag;
  if (at === undefined)
    throw new Fault('invalid_argument', `${subject}: it has neither tag nor digest; add :latest`);
  const call = {
    subject,
    ...pulling(reference),
    // Whoever is not trusted to say what a tag stands for can still have what a digest names.
    needs: digest === undefined ? ('resolve' as const) : ('pull' as const),
    path: `${reference.repository}/manifests/${at}`,
    headers: { accept: MANIFEST_TYPES.join(', ') },
    signal,
  };
  {
    await using head = await api.call({ ...call, method: 'HEAD' });
    const told = head.status === 200 ? fromHeaders(subject, head, digest) : undefined;
    if (told !== undefined) return told;
    if (head.status === 429 || head.status >= 500) throw await statusFault(subject, head);
    // GET tells why it is refused, which HEAD can't, and some registries refuse only HEAD.
  }
  await using response = await api.call({ ...call, method: 'GET' });
  if (response.status !== 200) throw await statusFault(subject, response);
  const mediaType = mediaTypeOf(response.headers['content-type']);
  refuseSchema1(subject, mediaType);
  const bytes = await readBody(subject, response, MAX_MANIFEST_BYTES);
  const claimed = digestHeader(subject, response);
  for (const expected of [digest, claimed]) {
    if (expected === undefined) continue;
    const actual = digestOf(bytes, algorithmOf(expected));
    if (expected !== actual) {
      throw new Fault(
        'failed_precondition',
        `${subject}: it should be ${expected}, and the registry sends ${actual}`,
      );
    }
  }
  const type = isManifestType(mediaType) ? mediaType : sniffType(subject, bytes);
  return { mediaType: type, digest: digest ?? claimed ?? digestOf(bytes), size: BigInt(bytes.byteLength) };
}

/** @returns none if they do not say enough. */
function fromHeaders(
  subject: string,
  head: HttpResponse,
  wanted: Digest | undefined,
): Descriptor | undefined {
  const mediaType = mediaTypeOf(head.headers['content-type']);
  refuseSchema1(subject, mediaType);
  const claimed = digestHeader(subject, head);
  if (wanted && claimed && algorithmOf(wanted) === algorithmOf(claimed) && claimed !== wanted) {
    throw new Fault('failed_precondition', `${subject}: the registry answers with ${claimed}`);
  }
  const digest = wanted ?? claimed;
  const length = head.headers['content-length'];
  if (digest === undefined || length === undefined || !/^[0-9]{1,15}$/.test(length)) return undefined;
  const size = BigInt(length);
  if (size === 0n || !isManifestType(mediaType)) return undefined;
  if (size > BigInt(MAX_MANIFEST_BYTES)) {
    throw new Fault(
      'resource_exhausted',
      `${subject}: ${size} bytes of manifest, the most is ${MAX_MANIFEST_BYTES}`,
    );
  }
  return { mediaType, digest, size };
}

function digestHeader(subject: string, { headers }: HttpResponse): Digest | undefined {
  const header = headers['docker-content-digest'];
  if (header === undefined || header === '') return undefined;
  try {
    return parseDigest(String(header));
  } catch (e) {
    throw new Fault('failed_precondition', `${subject}: the registry's answer has no valid digest`, {
      cause: e,
    });
  }
}
