import { Fault, type Labels, quote } from '@stowage/core';
import { whole } from './check.ts';
import type { SpecOption } from './compose.ts';
import type { Linux, LinuxNamespaceType, LinuxResources, Spec, SpecMount } from './spec.ts';

/** A spec whose Linux section differs in these fields. */
export function changeLinux(spec: Spec, change: Partial<Linux>): Spec {
  return { ...spec, linux: { ...spec.linux, ...change } };
}

/** A spec whose limits differ in these fields. */
export function changeResources(spec: Spec, change: Partial<LinuxResources>): Spec {
  return changeLinux(spec, { resources: { ...spec.linux?.resources, ...change } });
}

export function withHostname(hostname: string): SpecOption {
  return (spec) => ({ ...spec, hostname });
}

/** The NIS domain name, which hardly anybody has. */
export function withDomainname(domainname: string): SpecOption {
  return (spec) => ({ ...spec, domainname });
}

/** Adds mounts after those that are there. */
export function withMounts(mounts: readonly SpecMount[]): SpecOption {
  for (const { destination } of mounts) {
    if (!destination.startsWith('/') || destination.includes('\0')) {
      throw new Fault('invalid_argument', `mount destination ${quote(destination)} must be an absolute path`);
    }
  }
  return (spec) => ({ ...spec, mounts: [...(spec.mounts ?? []), ...mounts] });
}

/** Mounts the container's control groups, read-only, where programs look for their limits. */
export function withCgroupMount(): SpecOption {
  return withMounts([
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: ['ro', 'nosuid', 'noexec', 'nodev'],
    },
  ]);
}

/** Makes a namespace, or joins the one at `path`, instead of what was said for that type before. */
export function withNamespace(type: LinuxNamespaceType, path?: string): SpecOption {
  return (spec) => {
    const others = spec.linux?.namespaces?.filter((n) => n.type !== type) ?? [];
    return changeLinux(spec, { namespaces: [...others, { type, ...(path !== undefined && { path }) }] });
  };
}

/** Shares the host's namespace of this type. */
export function withHostNamespace(type: LinuxNamespaceType): SpecOption {
  return (spec) =>
    changeLinux(spec, { namespaces: spec.linux?.namespaces?.filter((n) => n.type !== type) ?? [] });
}

/** The host's network, with its names: `/etc/hosts` and `/etc/resolv.conf`, read-only (as `ctr run --net-host`). */
export function withHostNetwork(): SpecOption {
  const bind = (path: string): SpecMount => ({
    destination: path,
    type: 'bind',
    source: path,
    options: ['rbind', 'ro'],
  });
  const mounts = withMounts([bind('/etc/hosts'), bind('/etc/resolv.conf')]);
  return async (spec) => mounts(await withHostNamespace('network')(spec));
}

export function withRootfsReadonly(): SpecOption {
  return (spec) => ({ ...spec, root: { path: 'rootfs', ...spec.root, readonly: true } });
}

/** Runs on files of the host that nobody snapshots. */
export function withRootfsPath(path: string): SpecOption {
  return (spec) => ({ ...spec, root: { ...spec.root, path } });
}

/** The most memory it may use; with `swapBytes`, memory and swap together. */
export function withMemory(limitBytes: number, swapBytes?: number): SpecOption {
  whole('memory limit', limitBytes, 1);
  if (swapBytes !== undefined) whole('swap limit', swapBytes, -1);
  return (spec) =>
    changeResources(spec, {
      memory: {
        ...spec.linux?.resources?.memory,
        limit: limitBytes,
        ...(swapBytes !== undefined && { swap: swapBytes }),
      },
    });
}

/** CPUs' worth of time that it may use: 0.5 is half of one. */
export function withCpus(cpus: number): SpecOption {
  const period = 100_000;
  const quota = Math.round(cpus * period);
  // The kernel refuses a quota under a millisecond.
  if (!Number.isFinite(cpus) || quota < 1000) {
    throw new Fault('invalid_argument', `cpus ${cpus} must be a number of at least 0.01`);
  }
  return (spec) => changeResources(spec, { cpu: { ...spec.linux?.resources?.cpu, quota, period } });
}

export function withPidsLimit(limit: number): SpecOption {
  whole('pids limit', limit, 1);
  return (spec) => changeResources(spec, { pids: { limit } });
}

/** Adds or replaces annotations. */
export function withAnnotations(annotations: Labels): SpecOption {
  return (spec) => {
    const all: Record<string, string> = Object.create(null);
    for (const [key, value] of Object.entries({ ...spec.annotations, ...annotations })) all[key] = value;
    return { ...spec, annotations: all };
  };
}
