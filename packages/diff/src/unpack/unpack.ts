import { randomBytes } from 'node:crypto';
import { type Digest, Digester, Fault, type Mount, reasonOf } from '@stowage/core';
import { hasCode } from '@stowage/linux';
import { syncfs } from '@stowage/linux/blocking';
import type { PrivateRoot } from '@stowage/linux/confine';
import { TarReader } from '../tar/reader.ts';
import { LayerApplier } from './apply-layer.ts';
import { type RingMemory, RingReader } from './byte-ring.ts';
import type { UnpackJob } from './jobs.ts';
import { type HostPlace, pathsOf, withOwnMounts } from './own-mounts.ts';
import { removeTree } from './removal.ts';

/**
 * Unpacks what comes through the ring into mounts that only this thread sees.
 *
 * An overlay is mounted and written through, not written into its upper directory as containerd does. That costs about
 * 25 us a file, and the kernel does right by all that a layer may refer to in the layers below: hard links to their
 * files, entries beneath their links, the owner and mode of their directories where the layer has none. What it is slow
 * at, removing directories of lower layers file by file, is avoided by `redirect_dir`: they are moved aside in one
 * step, which leaves a whiteout, and only what has become of them in the upper directory is removed, afterwards.
 *
 * An overlay without lower layers cannot be mounted: it stands for a layer that is to be laid over others later, and
 * its upper directory is written into ({@link LoneLayer}).
 */
export function unpack(
  { mounts: asked, jail, syncFs }: UnpackJob,
  memory: RingMemory,
  host: HostPlace,
): { digest: Digest; sizeBytes: bigint; needsBelow: boolean } | { error: unknown } {
  // Before the root changes: a digest may have to be loaded.
  const digester = new Digester();
  const ring = new RingReader(memory, (bytes) => digester.update(bytes));
  const lone = loneUpper(asked);
  const mounts: readonly Mount[] = lone === undefined ? asked : [lone];
  const upper = upperOf(mounts);
  const trash = upper === undefined ? undefined : `/.stowage-${randomBytes(16).toString('hex')}`;
  const tar = new TarReader(ring);
  const layer = new LayerApplier(tar, {
    trash,
    check: () => ring.check(),
    lone:
      lone && (asked[0]?.options.includes('userxattr') ? 'user.overlay.opaque' : 'trusted.overlay.opaque'),
  });

  const error = withOwnMounts(host, [...pathsOf(mounts), jail], (root): { error: unknown } | undefined => {
    try {
      return attempt(() => {
        using _ = enter(root, mounts, jail, trash !== undefined);
        layer.apply();
        tar.drain();
        if (syncFs && layer.trash === undefined) syncfs('/');
      });
    } finally {
      if (layer.trash !== undefined && upper !== undefined) {
        using _ = root.jail([{ type: 'bind', source: upper, options: ['bind'] }], jail);
        removeTree(layer.trash, () => {});
        if (syncFs) syncfs('/');
      }
    }
  });
  ring.close();
  return error ?? { digest: digester.digest(), sizeBytes: digester.sizeBytes, needsBelow: layer.needsBelow };
}

function attempt(work: () => void): { error: unknown } | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return { error };
  }
}

/**
 * What to bind instead of an overlay that has nothing below. Clients that unpack layers at the same time ask for it so
 * (containerd core/unpack/unpacker.go, whose applier mounts nothing either).
 */
function loneUpper([mount, ...more]: readonly Mount[]): Mount | undefined {
  if (mount?.type !== 'overlay' || more.length > 0) return undefined;
  if (mount.options.some((option) => option.startsWith('lowerdir'))) return undefined;
  const upper = mount.options.find((option) => option.startsWith('upperdir='))?.slice('upperdir='.length);
  if (upper === undefined) return undefined;
  const maps = mount.options.filter((option) => /^[ug]idmap=/.test(option));
  return { type: 'bind', source: upper, options: ['bind', 'rw', ...maps] };
}

/** The directory an overlay writes to, if that is all there is to mount and nobody has a say in how it moves things. */
function upperOf(mounts: readonly Mount[]): string | undefined {
  const [mount, ...more] = mounts;
  if (mount?.type !== 'overlay' || more.length > 0) return undefined;
  if (mount.options.some((option) => /^(redirect_dir=|userxattr$)/.test(option))) return undefined;
  return mount.options.find((option) => option.startsWith('upperdir='))?.slice('upperdir='.length);
}

function enter(root: PrivateRoot, mounts: readonly Mount[], jail: string, moves: boolean): Disposable {
  try {
    if (!moves) return root.jail(mounts, jail);
    try {
      return root.jail(withOption(mounts, 'redirect_dir=on'), jail);
    } catch (e) {
      if (!hasCode(e, 'EINVAL', 'EPERM')) throw e;
      return root.jail(mounts, jail);
    }
  } catch (e) {
    if (Fault.is(e)) throw e;
    throw new Fault('failed_precondition', `unpack: ${reasonOf(e)}`, { cause: e });
  }
}

const withOption = (mounts: readonly Mount[], option: string): Mount[] =>
  mounts.map((mount) => ({ ...mount, options: [...mount.options, option] }));
