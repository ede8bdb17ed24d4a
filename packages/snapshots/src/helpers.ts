import {
  type FieldAdaptor,
  type Labels,
  labelsField,
  maskedLabels,
  splitMaskPath,
  unknownMaskPath,
} from '@stowage/core';
import type { SnapshotInfo } from './snapshotter.ts';

/**
 * How a filter sees a snapshot: `kind`, `name`, `parent` and `labels`. A snapshot without a parent has the empty
 * string there, so that `parent==""` finds the bases (containerd core/snapshots/storage adaptSnapshot).
 */
export function snapshotFields(info: SnapshotInfo): FieldAdaptor {
  return (path) => {
    switch (path[0]) {
      case 'kind':
        return info.kind;
      case 'name':
        return info.name;
      case 'parent':
        return info.parent;
      case 'labels':
        return labelsField(info.labels, path);
      default:
        return undefined;
    }
  };
}

/**
 * The labels of a snapshot after an update.
 *
 * @param paths - `labels` or `labels.<key>`; none replaces all.
 * @throws Fault `invalid_argument` for another path.
 */
export function updatedLabels(
  current: Labels,
  next: Labels,
  paths: readonly string[] | undefined,
): Record<string, string> {
  if (paths === undefined || paths.length === 0) return maskedLabels(current, next, undefined);
  let labels = maskedLabels(current, current, undefined);
  for (const path of paths) {
    const { field, key } = splitMaskPath(path);
    if (field !== 'labels') throw unknownMaskPath(path, 'a snapshot; only labels can change');
    labels = maskedLabels(labels, next, key);
  }
  return labels;
}
