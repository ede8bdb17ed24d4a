/**
 * An OCI runtime spec: what `config.json` of a bundle holds. Only what is used here is spelled out; whatever else a
 * spec carries (hooks, seccomp, other platforms) is kept as it came.
 *
 * @see runtime-spec config.md, config-linux.md
 */
export interface Spec {
  readonly ociVersion: string;
  readonly process?: Process | undefined;
  readonly root?: Root | undefined;
  readonly hostname?: string | undefined;
  readonly mounts?: readonly SpecMount[] | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly linux?: Linux | undefined;
  readonly [more: string]: unknown;
}

export interface Root {
  /** Relative to the bundle, or absolute. */
  readonly path: string;
  readonly readonly?: boolean | undefined;
}

export interface Process {
  readonly terminal?: boolean | undefined;
  readonly consoleSize?: { readonly width: number; readonly height: number } | undefined;
  readonly user: ProcessUser;
  readonly args: readonly string[];
  /** `NAME=value`, each name once. */
  readonly env: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  readonly capabilities?: Capabilities | undefined;
  readonly rlimits?: readonly Rlimit[] | undefined;
  readonly noNewPrivileges?: boolean | undefined;
  readonly [more: string]: unknown;
}

export interface ProcessUser {
  readonly uid: number;
  readonly gid: number;
  readonly umask?: number | undefined;
  /** Holds the primary group too: a runtime sets exactly these as supplementary groups. */
  readonly additionalGids?: readonly number[] | undefined;
}

export interface Capabilities {
  readonly bounding: readonly string[];
  readonly effective: readonly string[];
  readonly permitted: readonly string[];
  readonly inheritable?: readonly string[] | undefined;
  readonly ambient?: readonly string[] | undefined;
}

export interface Rlimit {
  readonly type: string;
  readonly hard: number;
  readonly soft: number;
}

export interface SpecMount {
  /** Absolute path in the container. */
  readonly destination: string;
  readonly type?: string | undefined;
  readonly source?: string | undefined;
  readonly options?: readonly string[] | undefined;
}

export interface Linux {
  readonly namespaces?: readonly LinuxNamespace[] | undefined;
  readonly resources?: LinuxResources | undefined;
  readonly cgroupsPath?: string | undefined;
  readonly maskedPaths?: readonly string[] | undefined;
  readonly readonlyPaths?: readonly string[] | undefined;
  readonly [more: string]: unknown;
}

export type LinuxNamespaceType = 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'user' | 'cgroup' | 'time';

export interface LinuxNamespace {
  readonly type: LinuxNamespaceType;
  /** Joins that namespace instead of making one. */
  readonly path?: string | undefined;
}

export interface LinuxResources {
  readonly devices?: readonly DeviceRule[] | undefined;
  readonly memory?: LinuxMemory | undefined;
  readonly cpu?: LinuxCpu | undefined;
  readonly pids?: { readonly limit: number } | undefined;
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
  readonly [more: string]: unknown;
}

export interface LinuxCpu {
  readonly shares?: number | undefined;
  /** Microseconds of CPU time in each period. */
  readonly quota?: number | undefined;
  /** Microseconds. */
  readonly period?: number | undefined;
  readonly cpus?: string | undefined;
  readonly mems?: string | undefined;
  readonly [more: string]: unknown;
}
