import { Fault, hostPlatform, type Platform, platformRank, quote, type Scope } from '@stowage/core';
import type { UnpackOptions } from '@stowage/oci-image';
import type { StoredImage, UnpackTarget } from '../objects.ts';
import type { Parts } from './parts.ts';

/** Where to unpack what is for a platform. */
export interface Unpacking {
  readonly platform: Platform;
  readonly to: Pick<UnpackOptions, 'snapshotter' | 'snapshotterName' | 'differ' | 'concurrency' | 'log'>;
}

/**
 * What is to be unpacked with what.
 *
 * @throws Fault `unimplemented` if nothing can be unpacked here; `invalid_argument` for a snapshotter that is not here, or
 *   not among those that the configuration allows. (containerd unpacks nothing then, and says nothing.)
 */
export function unpackingsOf(parts: Parts, scope: Scope, { unpacks = [] }: StoredImage): Unpacking[] {
  return unpacks.map((target) => unpackingOf(parts, scope, target));
}

function unpackingOf(parts: Parts, scope: Scope, target: UnpackTarget): Unpacking {
  const { snapshots, differ, limits, log } = parts;
  const { platform = hostPlatform() } = target;
  if (snapshots === undefined || differ === undefined) {
    throw new Fault('unimplemented', 'unpack: there is no snapshotter or no differ');
  }
  const snapshotterName = allowed(parts, platform, target.snapshotter) ?? '';
  const snapshotter = snapshots.snapshotter(scope, snapshotterName);
  const canRebase = parts.capabilitiesOf(snapshotterName).includes('rebase');
  const concurrency = canRebase ? (limits.maxUnpacks ?? 1) : 1;
  return { platform, to: { snapshotter, snapshotterName, differ: differ(scope), concurrency, log } };
}

function allowed(
  { snapshots, limits }: Parts,
  platform: Platform,
  wanted: string | undefined,
): string | undefined {
  const { unpacks: rules, checkPlatform = false } = limits;
  if (rules === undefined) return wanted ?? snapshots?.names[0];
  const fitting = rules.filter(
    (rule) => !checkPlatform || platformRank(rule.platform, platform) !== undefined,
  );
  const rule = fitting.find(({ snapshotter }) => wanted === undefined || snapshotter === wanted);
  if (rule !== undefined) return rule.snapshotter;
  const what = wanted === undefined ? `for ${platform.os}/${platform.architecture}` : `by ${quote(wanted)}`;
  throw new Fault('invalid_argument', `unpack ${what}: unpack_config of the daemon does not allow it`);
}
