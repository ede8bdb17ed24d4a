import { type CallOptions, type Digest, Fault, MEDIA_TYPE } from '@stowage/core';
import { pulling } from './access.ts';
import type { Api } from './api.ts';
import { parseFields, type Referrer, readDescriptor } from './descriptor-fields.ts';
import { mediaTypeOf } from './manifest-types.ts';
import { type Page, pages } from './pages.ts';
import type { Reference } from './reference.ts';
import { referrersTag, taggedReferrers } from './referrers-tag.ts';

export interface ReferrersOptions extends CallOptions {
  /** Only those of this type. */
  readonly artifactType?: string | undefined;
}

/**
 * What refers to a manifest: signatures, attestations, lists of parts. Registries that know no referrers are asked for the
 * tag that stands in for them.
 *
 * @throws Fault `failed_precondition` for a list that is none.
 * @see distribution-spec, "Listing Referrers", "Unavailable Referrers API"
 */
export async function* listReferrers(
  api: Api,
  reference: Reference,
  digest: Digest,
  { artifactType, signal }: ReferrersOptions,
  timeoutMs: number,
): AsyncGenerator<Referrer> {
  const { host, repository } = reference;
  const subject = `list referrers of ${host}/${repository}@${digest}`;
  const query = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`;
  const path = `${repository}/referrers/${digest}${query}`;
  const headers = { accept: MEDIA_TYPE.ociIndex };
  const call = { subject, ...pulling(reference), path, headers, timeoutMs, signal };
  let isKnown = false;
  for await (const page of pages(api, call)) {
    // Some answer whatever they do not know with a page for people.
    if (mediaTypeOf(page.headers['content-type']) !== MEDIA_TYPE.ociIndex) break;
    isKnown = true;
    yield* filtered(readIndex(subject, page), artifactType);
  }
  if (isKnown) return;
  const tagged = await taggedReferrers(api, reference, referrersTag(digest), { signal }, timeoutMs);
  yield* filtered(tagged, artifactType);
}

function readIndex(subject: string, { bytes }: Page): Referrer[] {
  try {
    const { manifests } = parseFields(subject, bytes);
    if (manifests === null || manifests === undefined) return [];
    if (!Array.isArray(manifests)) throw new Fault('invalid_argument', `${subject}: it has no list`);
    return manifests.map((one) => readDescriptor(subject, one));
  } catch (e) {
    throw Fault.is(e, 'invalid_argument') ? new Fault('failed_precondition', e.message, { cause: e }) : e;
  }
}

/** Registries need not filter, and so it is done here again. */
function filtered(all: readonly Referrer[], artifactType: string | undefined): readonly Referrer[] {
  return artifactType === undefined ? all : all.filter((one) => one.artifactType === artifactType);
}
