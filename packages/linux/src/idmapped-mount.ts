import { mkdirSync, mkdtempSync, rmdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AT_EMPTY_PATH, AT_FDCWD, NR, O_CLOEXEC } from './constants.ts';
import { checked } from './errors.ts';
import { close } from './fd.ts';
import { parseIdMap } from './id-map.ts';
import { c } from './libc.ts';
import { splitLayers } from './overlay-mount.ts';
import { cstring, type Path } from './path.ts';
import { openUserNamespace } from './user-namespace.ts';

const OPEN_TREE_CLONE = 1;
const AT_RECURSIVE = 0x8000;
const MOVE_MOUNT_F_EMPTY_PATH = 0x4;
/** The target may be a link, as for mount(2): /proc/thread-self/fd/N is one. */
const MOVE_MOUNT_T_SYMLINKS = 0x10;
const MOUNT_ATTR_IDMAP = 0x10_0000;
const MNT_DETACH = 2;
const AS_BIGINT = { bigint: true, throwIfNoEntry: false } as const;

/** What a mount is told by its options `uidmap=` and `gidmap=`: how ids on disk are shown. */
export interface MountIdMap {
  readonly uids: string;
  readonly gids: string;
}

/**
 * Runs `fn` with a descriptor of a user namespace that maps as told, and closes it.
 *
 * @throws Fault `invalid_argument` for a map that is none.
 */
export function withIdMap<T>({ uids, gids }: MountIdMap, fn: (namespace: number) => T): T {
  const namespace = openUserNamespace(parseIdMap(uids), parseIdMap(gids));
  try {
    return fn(namespace);
  } finally {
    close(namespace);
  }
}

/**
 * Binds `source` to `target`, its ids mapped: a file of uid 0 on disk is shown as owned by what 0 maps to, and one that
 * this user makes there is owned by 0 on disk (kernel 5.12; mount_setattr(2)).
 *
 * @throws EINVAL if the filesystem can't; ENOSYS before 5.12.
 */
export function bindIdMapped(source: Path, target: Path, namespace: number, recursive = false): void {
  const flags = OPEN_TREE_CLONE | O_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
  const tree = c.syscallAt(NR.open_tree, AT_FDCWD, cstring(source), flags, 0);
  checked(tree, 'open_tree', 'clone mount of', source);
  try {
    // struct mount_attr: attr_set, attr_clr, propagation, userns_fd.
    const attributes = new BigUint64Array([BigInt(MOUNT_ATTR_IDMAP), 0n, 0n, BigInt(namespace)]);
    const how = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
    const set = c.syscallAttr(
      NR.mount_setattr,
      tree,
      cstring(''),
      how,
      new Uint8Array(attributes.buffer),
      32,
    );
    checked(set, 'mount_setattr', 'map ids of', source);
    const moved = c.syscallMove(
      NR.move_mount,
      tree,
      cstring(''),
      AT_FDCWD,
      cstring(target),
      MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS,
    );
    checked(moved, 'move_mount', 'mount at', target);
  } finally {
    close(tree);
  }
}

/**
 * Runs `fn` with the options of an overlay whose lower layers are id-mapped, on kernel 5.19 and later. The upper one is
 * not: what is made there is owned, on disk, by whoever made it.
 *
 * The layers are mounted, mapped, at a temporary place while `fn` runs; the overlay made by then keeps its own hold of
 * them. Layers beside one another, as those of a snapshotter are, take one mount for all.
 *
 * @see containerd core/mount/mount_linux.go prepareIDMappedOverlay
 */
export function withIdMappedLayers<T>(
  data: readonly string[],
  map: MountIdMap,
  fn: (data: readonly string[]) => T,
): T {
  const index = data.findIndex((option) => option.startsWith('lowerdir='));
  if (index === -1) return fn(data);
  const layers = splitLayers(data[index]?.slice('lowerdir='.length) ?? '');
  const places = new Map<string, string>();
  const base = mkdtempSync(join(tmpdir(), 'stowage-idmapped-'));
  try {
    return withIdMap(map, (namespace) => {
      const placeOf = (path: string): string => {
        const known = places.get(path);
        if (known !== undefined) return known;
        const place = join(base, String(places.size));
        mkdirSync(place, { mode: 0o700 });
        places.set(path, place);
        bindIdMapped(path, place, namespace);
        return place;
      };
      const placed = layers.map(({ path, dataOnly }) => {
        const [above, below] = halves(path);
        const mapped = join(placeOf(above), below);
        // Not so if the layer is a mount of its own.
        return { path: isSame(path, mapped) ? mapped : placeOf(path), dataOnly };
      });
      return fn(data.with(index, `lowerdir=${joined(placed)}`));
    });
  } finally {
    for (const place of places.values()) {
      // EINVAL if binding failed. rmdir(2) refuses what is still mounted.
      c.umount2(cstring(place), MNT_DETACH);
      rmdirSync(place);
    }
    rmdirSync(base);
  }
}

/** `.../snapshots` and `7/fs`: what the layers of a snapshotter share, and what tells one from the other. */
function halves(path: string): [above: string, below: string] {
  const parts = path.split('/');
  return parts.length < 4 ? [path, ''] : [parts.slice(0, -2).join('/'), parts.slice(-2).join('/')];
}

function isSame(a: string, b: string): boolean {
  const [one, other] = [statSync(a, AS_BIGINT), statSync(b, AS_BIGINT)];
  return one?.dev === other?.dev && one?.ino === other?.ino;
}

function joined(layers: readonly { path: string; dataOnly: boolean }[]): string {
  return layers
    .map(({ path, dataOnly }, i) => {
      const separator = i === 0 ? '' : dataOnly ? '::' : ':';
      return separator + path.replace(/[\\:,]/g, '\\$&');
    })
    .join('');
}
