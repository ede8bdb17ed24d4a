import { type CallOptions, quote } from '@stowage/core';
import { snapshotterSlot } from '@stowage/snapshots';
import type { Services } from './services.ts';

/** How many layers to unpack at a time: as many as wanted, if the daemon's snapshotter takes a parent at commit. */
export async function layersAtATime(
  { introspection }: Services,
  snapshotter: string,
  wanted = 1,
  options?: CallOptions,
): Promise<number> {
  if (wanted <= 1) return 1;
  const filter = `type==${snapshotterSlot.type},id==${quote(snapshotter)}`;
  const plugins = await introspection.plugins([filter], options);
  return plugins.some(({ capabilities }) => capabilities.includes('rebase')) ? wanted : 1;
}
