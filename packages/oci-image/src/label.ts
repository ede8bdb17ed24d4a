import type { ContentStore } from '@stowage/content';
import {
  type CallOptions,
  type Descriptor,
  type Digest,
  Fault,
  LABEL,
  type Labels,
  MAX_LABEL_BYTES,
} from '@stowage/core';
import { kindOf } from './media-types.ts';

/**
 * Adds labels to a blob. A store that keeps none has no garbage collector that would need them either, so that is no
 * failure.
 */
export async function addLabels(
  content: Pick<ContentStore, 'update'>,
  digest: Digest,
  labels: Labels,
  options?: CallOptions,
): Promise<void> {
  const paths = Object.keys(labels).map((key) => `labels.${key}`);
  if (paths.length === 0) return;
  try {
    await content.update(digest, labels, paths, options);
  } catch (e) {
    if (!Fault.is(e, 'unimplemented')) throw e;
  }
}

/**
 * The labels on a blob that keep its children from being collected: `….config`, `….l.0`, `….m.0`, and a plain number
 * for others (containerd core/images/mediatypes.go ChildGCLabels, handlers.go SetChildrenMappedLabels).
 */
export function childLabels(children: readonly Descriptor[]): Labels {
  const labels: Record<string, string> = Object.create(null);
  const counts = new Map<string, number>();
  for (const child of children) {
    const prefix = childPrefix(child.mediaType);
    const count = counts.get(prefix) ?? 0;
    counts.set(prefix, count + 1);
    const numbered = count > 0 || prefix.endsWith('.');
    labels[numbered ? `${prefix}${count}` : prefix] = child.digest;
  }
  return labels;
}

function childPrefix(mediaType: string): string {
  switch (kindOf(mediaType)) {
    case 'config':
      return `${LABEL.gcRefContent}.config`;
    case 'manifest':
      return `${LABEL.gcRefContent}.m.`;
    case 'layer':
      return `${LABEL.gcRefContent}.l.`;
    default:
      return `${LABEL.gcRefContent}.`;
  }
}

/**
 * Says where a blob came from, so that a push to the same registry can mount it: the host without its port, and a
 * sorted list of repositories.
 *
 * @param name - `host[:port]/repository[:tag][@digest]`.
 * @param present - labels that the blob has.
 * @returns none where there is nothing to change, or the list would be too long for a label.
 * @see containerd core/remotes/docker/handler.go AppendDistributionSourceLabel
 */
export function sourceLabel(name: string, present: Labels = {}): Labels {
  const slash = name.indexOf('/');
  const host = name.slice(0, Math.max(slash, 0)).replace(/:\d+$/, '');
  const [path = ''] = name.slice(slash + 1).split('@', 1);
  const repository = path.replace(/:[^/:]*$/, '');
  if (host === '' || repository === '') return {};
  const key = `${LABEL.distributionSource}.${host}`;
  const known = new Set((present[key] ?? '').split(',').filter((r) => r !== ''));
  if (known.has(repository)) return {};
  const value = [...known, repository].sort().join(',');
  return Buffer.byteLength(key) + Buffer.byteLength(value) > MAX_LABEL_BYTES ? {} : { [key]: value };
}
