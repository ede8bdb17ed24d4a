import type { Linux } from './spec-linux.ts';

export * from './spec-linux.ts';

/**
 * An OCI runtime spec: what `config.json` of a bundle holds. Only what is used here is spelled out; whatever else a
 * spec carries (other platforms, new fields) is kept as it came.
 *
 * @see runtime-spec config.md, config-linux.md
 */
export interface Spec {
  readonly ociVersion: string;
  readonly process?: Process | undefined;
  readonly root?: Root | undefined;
  readonly hostname?: string | undefined;
  readonly domainname?: string | undefined;
  readonly mounts?: readonly SpecMount[] | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly hooks?: Hooks | undefined;
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
  readonly apparmorProfile?: string | undefined;
  readonly selinuxLabel?: string | undefined;
  /** -1000 (never killed for want of memory) to 1000 (first). */
  readonly oomScoreAdj?: number | undefined;
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

/** When a hook runs (runtime-spec config.md, POSIX-platform Hooks). */
export type HookName =
  | 'prestart'
  | 'createRuntime'
  | 'createContainer'
  | 'startContainer'
  | 'poststart'
  | 'poststop';

export type Hooks = { readonly [name in HookName]?: readonly Hook[] | undefined };

export interface Hook {
  /** Absolute, on the host; for `startContainer` in the container. */
  readonly path: string;
  readonly args?: readonly string[] | undefined;
  readonly env?: readonly string[] | undefined;
  /** Seconds. */
  readonly timeout?: number | undefined;
}
