import { Fault, quote } from '@stowage/core';
import { absolutePath } from './check.ts';
import type { SpecOption } from './compose.ts';
import { changeLinux, withHostNamespace, withNamespace } from './linux-options.ts';
import type { IdMapping } from './spec.ts';

/** Most ranges that the kernel takes (user_namespaces(7)). */
const MAX_RANGES = 340;

/** Ids end below this one, which is nobody's. */
const ID_END = 0xffff_ffff;

/**
 * Runs in a user namespace of its own: root in it is nobody outside. The image's files must show with ids of the
 * mapping, which is the snapshotter's to do. {@link composeSpec} settles what follows from it.
 *
 * @throws Fault `invalid_argument` for ranges that overlap, are empty, too many or leave the 32 bits that an id has.
 */
export function withUserNamespace(
  uidMappings: readonly IdMapping[],
  gidMappings: readonly IdMapping[] = uidMappings,
): SpecOption {
  checkMappings('uid', uidMappings);
  checkMappings('gid', gidMappings);
  return async (spec) => changeLinux(await withNamespace('user')(spec), { uidMappings, gidMappings });
}

/**
 * Reads `0:100000:65536,65536:300000:10`, id inside, id outside and how many, as containerd's labels and options have it.
 *
 * @throws Fault `invalid_argument` for anything else, and as {@link withUserNamespace}.
 */
export function parseIdMappings(text: string): IdMapping[] {
  const mappings = text.split(',').map((range): IdMapping => {
    const [, containerID, hostID, size] = /^([0-9]{1,10}):([0-9]{1,10}):([0-9]{1,10})$/.exec(range) ?? [];
    if (size === undefined)
      throw new Fault(
        'invalid_argument',
        `id mapping ${quote(range)} must read inside:outside:many, as 0:100000:65536`,
      );
    return { containerID: Number(containerID), hostID: Number(hostID), size: Number(size) };
  });
  checkMappings('id', mappings);
  return mappings;
}

/** Joins the user namespace at a path, such as `/proc/1234/ns/user`, which has mappings already. */
export function withUserNamespacePath(path: string): SpecOption {
  absolutePath('user namespace', path);
  return async (spec) => {
    const { uidMappings: _, gidMappings: __, ...linux } = spec.linux ?? {};
    return withNamespace('user', path)({ ...spec, linux });
  };
}

/**
 * Fit to be run by somebody who is not root: one user of the host is root in it, with the host's network, and without
 * limits, for which rootless users have no control groups.
 */
export function withRootless(user: { readonly uid: number; readonly gid: number }): SpecOption {
  const map = (hostID: number) => [{ containerID: 0, hostID, size: 1 }];
  const inNamespace = withUserNamespace(map(user.uid), map(user.gid));
  return async (spec) => {
    const own = await withHostNamespace('network')(await inNamespace(spec));
    const { resources: _, cgroupsPath: __, ...linux } = own.linux ?? {};
    return { ...own, linux };
  };
}

/** Whether the container's id means somebody outside. */
export function isMapped(id: number, mappings: readonly IdMapping[]): boolean {
  return mappings.some(({ containerID, size }) => id >= containerID && id < containerID + size);
}

function checkMappings(what: string, mappings: readonly IdMapping[]): void {
  const fail = (reason: string) => new Fault('invalid_argument', `${what} mappings: ${reason}`);
  if (mappings.length === 0) throw fail('there are none');
  if (mappings.length > MAX_RANGES) throw fail(`${mappings.length}, the kernel takes ${MAX_RANGES}`);
  for (const { containerID, hostID, size } of mappings) {
    const range = `${containerID}:${hostID}:${size}`;
    if (![containerID, hostID, size].every((n) => Number.isSafeInteger(n) && n >= 0) || size === 0)
      throw fail(`${range} must be whole numbers, and a size of at least 1`);
    if (containerID + size > ID_END || hostID + size > ID_END)
      throw fail(`${range} leaves the ids there are`);
  }
  for (const side of ['containerID', 'hostID'] as const) {
    const sorted = [...mappings].sort((a, b) => a[side] - b[side]);
    for (const [i, { [side]: start }] of sorted.entries()) {
      const before = sorted[i - 1];
      if (before !== undefined && before[side] + before.size > start)
        throw fail(`two hold ${start} ${side === 'hostID' ? 'of the host' : 'of the container'}`);
    }
  }
}
