import { Fault } from '@stowage/core';

/** A range of ids: `size` of them, from `containerId` inside of a user namespace and from `hostId` outside. */
export interface IdRange {
  readonly containerId: number;
  readonly hostId: number;
  readonly size: number;
}

/** The kernel takes as many lines (user_namespaces(7)). */
const MOST_RANGES = 340;
/** The last number means "no id". */
const MOST_IDS = 0xffff_ffff;

/**
 * Reads a map of ids as containerd writes it in labels and mount options: `0:100000:65536,65536:300000:10`.
 *
 * @throws Fault `invalid_argument` if the kernel would not take it.
 * @see containerd internal/userns/idmap.go
 */
export function parseIdMap(text: string): IdRange[] {
  const wrong = (why: string) => new Fault('invalid_argument', `id map ${JSON.stringify(text)}: ${why}`);
  const ranges = text.split(',').map((part): IdRange => {
    const match = /^(\d{1,10}):(\d{1,10}):(\d{1,10})$/.exec(part);
    if (match === null) throw wrong('expected <id inside>:<id outside>:<how many>');
    const [containerId = 0, hostId = 0, size = 0] = match.slice(1).map(Number);
    if (size === 0) throw wrong('a range must not be empty');
    if (Math.max(containerId, hostId) + size > MOST_IDS) throw wrong('ids have 32 bits');
    return { containerId, hostId, size };
  });
  if (ranges.length > MOST_RANGES) throw wrong(`there may be ${MOST_RANGES} ranges`);
  for (const key of ['containerId', 'hostId'] as const) {
    const sorted = ranges.toSorted((a, b) => a[key] - b[key]);
    const overlap = sorted.some(
      (range, i) => i > 0 && (sorted[i - 1]?.[key] ?? 0) + (sorted[i - 1]?.size ?? 0) > range[key],
    );
    if (overlap) throw wrong('ranges must not overlap');
  }
  return ranges;
}

/** Which id outside an id inside is; undefined if it is none of the map's. */
export function hostIdOf(map: readonly IdRange[], containerId: number): number | undefined {
  for (const range of map) {
    const offset = containerId - range.containerId;
    if (offset >= 0 && offset < range.size) return range.hostId + offset;
  }
  return undefined;
}
