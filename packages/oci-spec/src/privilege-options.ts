import { ALL_CAPABILITIES, capability, hostCapabilities } from './capabilities.ts';
import type { SpecOption } from './compose.ts';
import { changeLinux } from './linux-options.ts';
import { changeProcess } from './process-options.ts';
import type { Capabilities, Spec } from './spec.ts';

export interface CapabilityChange {
  /** `CAP_NET_ADMIN` or `net_admin`; `all` for all there are. */
  readonly add?: readonly string[] | undefined;
  /** Dropped before others are added, so that `drop: ['all'], add: ['chown']` leaves one. */
  readonly drop?: readonly string[] | undefined;
}

/** @throws Fault `invalid_argument` for a name that Linux does not know. */
export function withCapabilities({ add = [], drop = [] }: CapabilityChange): SpecOption {
  const added = named(add);
  const dropped = new Set(named(drop));
  return (spec) => {
    const { bounding = [], inheritable, ambient } = spec.process?.capabilities ?? {};
    const kept = [...new Set([...bounding.filter((c) => !dropped.has(c)), ...added])];
    const within = (set: readonly string[] | undefined) => set?.filter((c) => kept.includes(c));
    return setCapabilities(spec, kept, within(inheritable), within(ambient));
  };
}

/**
 * Nothing held back: all capabilities that this machine has, all devices, nothing masked, read-only or filtered. Device
 * nodes of the host are not made, for which there is {@link withHostDevices}.
 */
export function withPrivileged(): SpecOption {
  return async (spec) => {
    const able = setCapabilities(spec, await hostCapabilities());
    const mounts = able.mounts?.map((m) =>
      m.type === 'sysfs' || m.type === 'cgroup'
        ? { ...m, options: m.options?.map((o) => (o === 'ro' ? 'rw' : o)) ?? [] }
        : m,
    );
    const resources = { ...able.linux?.resources, devices: [{ allow: true, access: 'rwm' }] };
    const free = changeLinux(able, { maskedPaths: [], readonlyPaths: [], resources, seccomp: null });
    const unconfined = changeProcess(free, { apparmorProfile: undefined, selinuxLabel: undefined });
    return { ...unconfined, ...(mounts !== undefined && { mounts }) };
  };
}

/** Labels of SELinux: of the process, and of the files that are mounted for it. */
export function withSelinuxLabel(processLabel: string, mountLabel = ''): SpecOption {
  return (spec) => {
    const labelled = changeProcess(spec, { selinuxLabel: processLabel });
    return mountLabel === '' ? labelled : changeLinux(labelled, { mountLabel });
  };
}

/** Lets the process gain privileges by setuid programs. */
export function withNewPrivileges(): SpecOption {
  return (spec) => changeProcess(spec, { noNewPrivileges: false });
}

/** Nobody gains privileges by setuid programs: the default. */
export function withNoNewPrivileges(): SpecOption {
  return (spec) => changeProcess(spec, { noNewPrivileges: true });
}

/**
 * Lets programs that are not root have capabilities, which they otherwise lose when they start. None by default: what
 * is ambient reaches every program that is run.
 *
 * @throws Fault `invalid_argument` for a name that Linux does not know.
 */
export function withAmbientCapabilities(names: readonly string[]): SpecOption {
  const ambient = named(names);
  return (spec) => {
    const { bounding = [] } = spec.process?.capabilities ?? {};
    const set = [...new Set([...bounding, ...ambient])];
    // The kernel takes none as ambient that is not inheritable.
    return setCapabilities(spec, set, ambient, ambient);
  };
}

function named(names: readonly string[]): string[] {
  return names.flatMap((name) => (name.toLowerCase() === 'all' ? ALL_CAPABILITIES : [capability(name)]));
}

/** Inheritable and ambient ones only where somebody asked for them (CVE-2022-24769). */
function setCapabilities(
  spec: Spec,
  set: readonly string[],
  inheritable?: readonly string[],
  ambient?: readonly string[],
): Spec {
  const capabilities: Capabilities = {
    bounding: set,
    effective: set,
    permitted: set,
    ...(inheritable !== undefined && inheritable.length > 0 && { inheritable }),
    ...(ambient !== undefined && ambient.length > 0 && { ambient }),
  };
  return changeProcess(spec, { capabilities });
}
