import { Fault, quote } from '@stowage/core';
import type { ContentSharing } from './sharing.ts';

export interface MetadataConfig {
  readonly contentSharing: ContentSharing;
}

/** As containerd has them. */
export const METADATA_DEFAULTS: Readonly<Record<string, string>> = { content_sharing_policy: 'shared' };

/**
 * Reads containerd's setting of its plugin `io.containerd.metadata.v1.bolt`: `content_sharing_policy`.
 *
 * @throws Fault `invalid_argument` naming the key.
 */
export function parseMetadataConfig(table: Readonly<Record<string, unknown>>): MetadataConfig {
  for (const key of Object.keys(table))
    if (key !== 'content_sharing_policy')
      throw new Fault('invalid_argument', `${quote(key)}: unknown key; it is no setting of metadata`);
  const { content_sharing_policy: policy } = { ...METADATA_DEFAULTS, ...table };
  if (policy !== 'shared' && policy !== 'isolated')
    throw new Fault(
      'invalid_argument',
      `content_sharing_policy: expected "shared" or "isolated", found ${quote(String(policy))}`,
    );
  return { contentSharing: policy };
}
