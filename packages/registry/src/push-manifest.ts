import { algorithmOf, type CallOptions, type Descriptor, digestOf, Fault } from '@stowage/core';
import { changing } from './access.ts';
import type { Api } from './api.ts';
import { type DescriptorFields, parseFields, readDescriptor } from './descriptor-fields.ts';
import { apiUrl } from './endpoint.ts';
import {
  isManifestType,
  MANIFEST_TYPES,
  MAX_MANIFEST_BYTES,
  mediaTypeOf,
  refuseSchema1,
} from './manifest-types.ts';
import type { Reference } from './reference.ts';
import { addReferrer } from './referrers-tag.ts';
import { statusFault } from './status-fault.ts';
import { type Asked, expectDigest } from './upload.ts';

/** A manifest or index as it is to be stored: its bytes are its name. */
export interface Manifest {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

export interface PushedManifest {
  readonly descriptor: Descriptor;
  /** `exists`: the name stood for it already. */
  readonly state: 'exists' | 'sent';
}

/**
 * Stores a manifest under the tag or digest of a name. What it points at must be there, or registries refuse it. One that
 * has a `subject` is listed among the referrers of that: by the registry, or in the fallback tag where it knows none.
 *
 * @throws Fault `failed_precondition` if it is not what the name's digest says, or points at what is not there;
 *   `unimplemented` for Docker schema 1.
 * @see distribution-spec, "Pushing Manifests", "Pushing Manifests with Subject"
 */
export async function pushManifest(
  api: Api,
  reference: Reference,
  { mediaType, bytes }: Manifest,
  { signal }: CallOptions,
): Promise<PushedManifest> {
  const { name, tag, digest: wanted } = reference;
  const subject = `push ${name}`;
  refuseSchema1(subject, mediaType);
  if (!isManifestType(mediaType))
    throw new Fault(
      'invalid_argument',
      `${subject}: ${mediaType} is not one of ${MANIFEST_TYPES.join(', ')}`,
    );
  if (bytes.byteLength > MAX_MANIFEST_BYTES)
    throw new Fault(
      'resource_exhausted',
      `${subject}: ${bytes.byteLength} bytes, the most is ${MAX_MANIFEST_BYTES}`,
    );
  const digest = digestOf(bytes, wanted === undefined ? 'sha256' : algorithmOf(wanted));
  if (wanted !== undefined && wanted !== digest)
    throw new Fault('failed_precondition', `${subject}: the manifest is ${digest}`);
  const fields = parseFields(subject, bytes);
  const endpoint = await api.pushEndpoint(subject, reference.host);
  const target: Asked = {
    api,
    access: { endpoint, ...changing(reference, ['pull', 'push']) },
    subject,
  };
  const url = apiUrl(endpoint, `${reference.repository}/manifests/${tag ?? digest}`);
  const descriptor = { mediaType, digest, size: BigInt(bytes.byteLength) };
  const about = fields.subject === undefined ? undefined : readDescriptor(subject, fields.subject);
  // Whether the list of referrers has it is not known from its being there.
  if (about === undefined && (await isThere(target, url, descriptor, { signal }))) {
    return { descriptor, state: 'exists' };
  }
  const headers = { 'content-type': mediaType, 'content-length': String(bytes.byteLength) };
  await using response = await api.ask(target.access, url, {
    subject,
    method: 'PUT',
    headers,
    body: bytes,
    signal,
  });
  // What it points at is not there, where a name would do for anything else.
  if (response.status === 400 || response.status === 404) {
    const { message } = await statusFault(subject, response);
    throw new Fault('failed_precondition', message);
  }
  if (response.status !== 201) throw await statusFault(subject, response);
  expectDigest(subject, response, digest);
  if (about !== undefined && response.headers['oci-subject'] !== about.digest) {
    await addReferrer(api, reference, about.digest, { ...descriptor, ...artifactOf(fields) }, { signal });
  }
  return { descriptor, state: 'sent' };
}

async function isThere(
  { api, access, subject }: Asked,
  url: URL,
  { mediaType, digest }: Descriptor,
  { signal }: CallOptions,
): Promise<boolean> {
  const headers = { accept: MANIFEST_TYPES.join(', ') };
  await using head = await api.ask(access, url, { subject, method: 'HEAD', headers, signal });
  if (head.status === 404 || head.status === 405) return false;
  if (head.status !== 200) throw await statusFault(subject, head);
  const isSame = mediaTypeOf(head.headers['content-type']) === mediaType;
  return isSame && head.headers['docker-content-digest'] === digest;
}

/** What a list of referrers says of each (distribution-spec, "Listing Referrers"). */
function artifactOf({ artifactType, config, annotations }: DescriptorFields) {
  const ofConfig = (config as { mediaType?: unknown } | undefined)?.mediaType;
  const type = typeof artifactType === 'string' && artifactType !== '' ? artifactType : ofConfig;
  return {
    ...(typeof type === 'string' && { artifactType: type }),
    ...(annotations !== undefined && { annotations: annotations as Readonly<Record<string, string>> }),
  };
}
