import { Fault, LABEL, type Labels } from '@stowage/core';
import { hostIdOf, type IdRange, parseIdMap } from '@stowage/linux';

const UIDS = `${LABEL.snapshotPrefix}uidmapping`;
const GIDS = `${LABEL.snapshotPrefix}gidmapping`;

/** How the files of the layers below are shown to a container in a user namespace. */
export interface Remap {
  /** For whoever mounts. */
  readonly options: readonly string[];
  /** Who owns, for the host, what belongs to this user of a layer. */
  owner(uid: number, gid: number): readonly [uid: number, gid: number];
}

/**
 * What a client asks for by labels when it prepares a snapshot for a container in a user namespace.
 *
 * @throws Fault `invalid_argument` if one label is missing, is no map, or maps no root.
 * @see containerd core/snapshots/snapshotter.go LabelSnapshotUIDMapping
 */
export function remapOf(labels: Labels): Remap | undefined {
  const { [UIDS]: uids, [GIDS]: gids } = labels;
  if (uids === undefined && gids === undefined) return undefined;
  if (uids === undefined || gids === undefined)
    throw new Fault(
      'invalid_argument',
      `label ${uids === undefined ? UIDS : GIDS}: missing; both are needed`,
    );
  const [uidMap, gidMap] = [parseIdMap(uids), parseIdMap(gids)];
  const [uid, gid] = [rootOf(uidMap, UIDS), rootOf(gidMap, GIDS)];
  return {
    options: [`uidmap=${uids}`, `gidmap=${gids}`],
    owner: (u, g) => [hostIdOf(uidMap, u) ?? uid, hostIdOf(gidMap, g) ?? gid],
  };
}

function rootOf(map: readonly IdRange[], label: string): number {
  const root = hostIdOf(map, 0);
  if (root === undefined) throw new Fault('invalid_argument', `label ${label}: it maps no id 0`);
  return root;
}
