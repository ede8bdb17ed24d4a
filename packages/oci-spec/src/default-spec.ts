import { validateIdentifier } from '@stowage/core';
import { DEFAULT_CAPABILITIES } from './capabilities.ts';
import {
  DEFAULT_MOUNTS,
  DEFAULT_NAMESPACES,
  DEFAULT_PATH,
  DEVICE_RULES,
  MASKED_PATHS,
  OCI_VERSION,
  READONLY_PATHS,
} from './defaults.ts';
import type { Spec } from './spec.ts';

export interface SpecSubject {
  /** containerd namespace; with the id it makes the cgroup's path. */
  readonly namespace: string;
  /** Container id. */
  readonly id: string;
}

/**
 * A Linux container with containerd's defaults, without arguments: nothing inheritable or ambient, no new
 * privileges, devices denied but for the usual few.
 *
 * @throws Fault `invalid_argument` for a namespace or id that is no identifier.
 */
export function defaultSpec({ namespace, id }: SpecSubject): Spec {
  validateIdentifier(namespace, 'namespace');
  validateIdentifier(id, 'container id');
  return {
    ociVersion: OCI_VERSION,
    root: { path: 'rootfs' },
    process: {
      user: { uid: 0, gid: 0, additionalGids: [0] },
      args: [],
      env: [DEFAULT_PATH],
      cwd: '/',
      capabilities: {
        bounding: DEFAULT_CAPABILITIES,
        effective: DEFAULT_CAPABILITIES,
        permitted: DEFAULT_CAPABILITIES,
      },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    mounts: DEFAULT_MOUNTS,
    linux: {
      namespaces: DEFAULT_NAMESPACES,
      resources: { devices: DEVICE_RULES },
      cgroupsPath: `/${namespace}/${id}`,
      maskedPaths: MASKED_PATHS,
      readonlyPaths: READONLY_PATHS,
    },
  };
}
