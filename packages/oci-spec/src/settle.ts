import { Fault } from '@stowage/core';
import { sysctlNamespace } from './limit-options.ts';
import type { LinuxNamespaceType, Spec, SpecMount } from './spec.ts';
import { isMapped } from './user-namespace.ts';

/**
 * Settles what follows from several options at once, whatever their order.
 *
 * @throws Fault `invalid_argument` for what contradicts itself.
 */
export function settle(spec: Spec, id: string): Spec {
  const fail = (reason: string) => new Fault('invalid_argument', `compose spec of ${id}: ${reason}`);
  const own = (type: LinuxNamespaceType) => spec.linux?.namespaces?.some((n) => n.type === type) ?? false;
  if (spec.process !== undefined && spec.process.args.length === 0)
    throw fail('no program; say which to run');
  if (!own('uts') && (spec.hostname !== undefined || spec.domainname !== undefined))
    throw fail("a host name of its own, in the host's uts namespace");
  for (const name of Object.keys(spec.linux?.sysctl ?? {})) {
    const type = sysctlNamespace(name);
    if (type === undefined || !own(type))
      throw fail(`kernel parameter ${name} would be the host's, whose ${type ?? ''} namespace it shares`);
  }
  return withoutDecision(own('user') ? inUserNamespace(spec, own('network'), fail) : spec);
}

/** What of the defaults a user namespace does not allow. */
function inUserNamespace(spec: Spec, ownNetwork: boolean, fail: (reason: string) => Fault): Spec {
  const { uidMappings = [], gidMappings = [] } = spec.linux ?? {};
  // A namespace that is joined has its mappings already, and nobody here knows them.
  const known = uidMappings.length > 0;
  const user = spec.process?.user;
  if (known && user !== undefined) {
    if (!isMapped(user.uid, uidMappings)) throw fail(`user ${user.uid} is not in the uid mappings`);
    if (!isMapped(user.gid, gidMappings)) throw fail(`group ${user.gid} is not in the gid mappings`);
    const left = user.additionalGids?.find((gid) => !isMapped(gid, gidMappings));
    if (left !== undefined) throw fail(`group ${left} is not in the gid mappings`);
  }
  const mounts = spec.mounts?.map((m): SpecMount => {
    // sysfs belongs to the network namespace; in one of the host it cannot be mounted, only shown.
    if (m.type === 'sysfs' && !ownNetwork)
      return { ...m, type: 'bind', source: '/sys', options: ['rbind', ...(m.options ?? [])] };
    if (!known) return m;
    const options = m.options?.filter((option) => {
      const [, kind, number] = /^(uid|gid)=([0-9]+)$/.exec(option) ?? [];
      if (m.type !== 'devpts' || number === undefined) return true;
      return isMapped(Number(number), kind === 'uid' ? uidMappings : gidMappings);
    });
    return { ...m, ...(options !== undefined && { options }) };
  });
  return { ...spec, ...(mounts !== undefined && { mounts }) };
}

/** `null` says that no profile is wanted; written out, there is just none. */
function withoutDecision(spec: Spec): Spec {
  if (spec.linux?.seccomp !== null) return spec;
  const { seccomp: _, ...linux } = spec.linux;
  return { ...spec, linux };
}
