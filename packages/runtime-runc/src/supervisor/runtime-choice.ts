import { join } from 'node:path';
import { OptionsSchema } from '@stowage/api/runc/v1';
import { Fault, quote, type TypedBytes } from '@stowage/core';
import { unpackMessage } from '@stowage/rpc';

/** Which OCI runtime runs a container, and how. */
export interface RuntimeChoice {
  /** Name in PATH, or path. */
  readonly binary: string;
  /** Directory of the runtime's own state, the namespace included. */
  readonly root: string;
  readonly noPivotRoot: boolean;
  readonly noNewKeyring: boolean;
  /** Who shall own the FIFOs of the container's streams. */
  readonly ioUid: number;
  readonly ioGid: number;
}

export interface RuntimeDefaults {
  readonly binary: string;
  /** Namespaces are directories in it. */
  readonly root: string;
}

/**
 * What the options of a create request ask for.
 *
 * `shim_cgroup` is ignored, since one supervisor serves all containers; so are the fields about checkpoints and
 * about joining another shim.
 *
 * @throws Fault `failed_precondition` for systemd's cgroups; `invalid_argument` for options of another runtime.
 */
export function chooseRuntime(
  namespace: string,
  options: TypedBytes | undefined,
  defaults: RuntimeDefaults,
): RuntimeChoice {
  if (options === undefined || options.typeUrl === '') return choice(namespace, defaults);
  const name = options.typeUrl.slice(options.typeUrl.lastIndexOf('/') + 1);
  if (name !== OptionsSchema.typeName) {
    throw new Fault(
      'invalid_argument',
      `runtime options ${quote(name)}: expected ${OptionsSchema.typeName}, or none`,
    );
  }
  const wire = unpackMessage(OptionsSchema, options);
  if (wire.systemdCgroup) {
    throw new Fault(
      'failed_precondition',
      'runtime option systemd_cgroup: cgroups by systemd are not supported; leave it out and use a cgroup path',
    );
  }
  const { binaryName, root, noPivotRoot, noNewKeyring, ioUid, ioGid } = wire;
  return {
    ...choice(namespace, {
      binary: binaryName === '' ? defaults.binary : binaryName,
      root: root === '' ? defaults.root : root,
    }),
    ...{ noPivotRoot, noNewKeyring, ioUid, ioGid },
  };
}

function choice(namespace: string, { binary, root }: RuntimeDefaults): RuntimeChoice {
  return {
    binary,
    root: join(root, namespace),
    noPivotRoot: false,
    noNewKeyring: false,
    ioUid: 0,
    ioGid: 0,
  };
}
