export interface Linux {
  readonly namespaces?: readonly LinuxNamespace[] | undefined;
  readonly resources?: LinuxResources | undefined;
  readonly cgroupsPath?: string | undefined;
  readonly maskedPaths?: readonly string[] | undefined;
  readonly readonlyPaths?: readonly string[] | undefined;
  readonly uidMappings?: readonly IdMapping[] | undefined;
  readonly gidMappings?: readonly IdMapping[] | undefined;
  readonly devices?: readonly LinuxDevice[] | undefined;
  readonly sysctl?: Readonly<Record<string, string>> | undefined;
  /** `null`: decided that there is none, which {@link composeSpec} leaves out. */
  readonly seccomp?: Seccomp | null | undefined;
  readonly intelRdt?: IntelRdt | undefined;
  readonly [more: string]: unknown;
}

export type LinuxNamespaceType = 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'user' | 'cgroup' | 'time';

export interface LinuxNamespace {
  readonly type: LinuxNamespaceType;
  /** Joins that namespace instead of making one. */
  readonly path?: string | undefined;
}

export interface IdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

/** A device node that the runtime makes. */
export interface LinuxDevice {
  /** Absolute path in the container. */
  readonly path: string;
  /** Character, unbuffered character, block, FIFO. */
  readonly type: 'c' | 'u' | 'b' | 'p';
  readonly major?: number | undefined;
  readonly minor?: number | undefined;
  readonly fileMode?: number | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

/** runtime-spec config-linux.md, Seccomp. */
export interface Seccomp {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number | undefined;
  readonly architectures?: readonly string[] | undefined;
  readonly syscalls?: readonly SeccompRule[] | undefined;
  readonly [more: string]: unknown;
}

export interface SeccompRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number | undefined;
  /** All must hold; but runc takes several on one argument as alternatives. */
  readonly args?: readonly SeccompArg[] | undefined;
}

export interface SeccompArg {
  readonly index: number;
  readonly value: number;
  readonly valueTwo?: number | undefined;
  readonly op: string;
}

export interface IntelRdt {
  readonly closID?: string | undefined;
  readonly l3CacheSchema?: string | undefined;
  readonly memBwSchema?: string | undefined;
  readonly enableCMT?: boolean | undefined;
  readonly enableMBM?: boolean | undefined;
}

export interface LinuxResources {
  readonly devices?: readonly DeviceRule[] | undefined;
  readonly memory?: LinuxMemory | undefined;
  readonly cpu?: LinuxCpu | undefined;
  readonly pids?: { readonly limit: number } | undefined;
  readonly blockIO?: LinuxBlockIo | undefined;
  readonly hugepageLimits?: readonly HugepageLimit[] | undefined;
  /** Files of cgroup v2 and what is written to them. */
  readonly unified?: Readonly<Record<string, string>> | undefined;
  readonly [more: string]: unknown;
}

/** The last rule that fits a device decides. No type, major or minor: any. */
export interface DeviceRule {
  readonly allow: boolean;
  readonly type?: 'a' | 'b' | 'c' | undefined;
  readonly major?: number | undefined;
  readonly minor?: number | undefined;
  readonly access: string;
}

export interface LinuxMemory {
  /** Bytes. */
  readonly limit?: number | undefined;
  /** Memory and swap together, in bytes; -1 for no limit. */
  readonly swap?: number | undefined;
  /** Bytes that are kept for it when memory runs short. */
  readonly reservation?: number | undefined;
  /** 0 to 100; cgroup v1 only. */
  readonly swappiness?: number | undefined;
  /** cgroup v1 only. */
  readonly disableOOMKiller?: boolean | undefined;
  readonly [more: string]: unknown;
}

export interface LinuxCpu {
  readonly shares?: number | undefined;
  /** Microseconds of CPU time in each period. */
  readonly quota?: number | undefined;
  /** Microseconds. */
  readonly period?: number | undefined;
  /** Microseconds; cgroup v1 only. */
  readonly realtimeRuntime?: number | undefined;
  /** Microseconds; cgroup v1 only. */
  readonly realtimePeriod?: number | undefined;
  readonly cpus?: string | undefined;
  readonly mems?: string | undefined;
  readonly [more: string]: unknown;
}

export interface LinuxBlockIo {
  /** 10 to 1000. */
  readonly weight?: number | undefined;
  readonly weightDevice?: readonly WeightDevice[] | undefined;
  readonly throttleReadBpsDevice?: readonly ThrottleDevice[] | undefined;
  readonly throttleWriteBpsDevice?: readonly ThrottleDevice[] | undefined;
  readonly throttleReadIOPSDevice?: readonly ThrottleDevice[] | undefined;
  readonly throttleWriteIOPSDevice?: readonly ThrottleDevice[] | undefined;
}

export interface WeightDevice {
  readonly major: number;
  readonly minor: number;
  readonly weight: number;
}

export interface ThrottleDevice {
  readonly major: number;
  readonly minor: number;
  /** Bytes or operations in a second. */
  readonly rate: number;
}

export interface HugepageLimit {
  /** As the kernel spells it: `2MB`. */
  readonly pageSize: string;
  /** Bytes. */
  readonly limit: number;
}
