import { isAbsolute, join } from 'node:path';
import type { Message } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
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
  /** Cgroups are made by systemd, and cgroup paths are `slice:prefix:name`. */
  readonly systemdCgroup?: boolean | undefined;
  /** Of CRIU. Default: found in PATH. */
  readonly criuPath?: string | undefined;
  /** Where CRIU works, and logs. Default: a directory that is removed. */
  readonly criuWorkPath?: string | undefined;
}

export interface RuntimeDefaults {
  readonly binary: string;
  /** Namespaces are directories in it. */
  readonly root: string;
}

/** What the options of a create request ask for. */
export interface Chosen {
  readonly choice: RuntimeChoice;
  /** Where the checkpoint is that the task goes on from. */
  readonly criuImagePath: string;
  /** The cgroup that a shim should move to. One supervisor serves all containers, so it does not. */
  readonly shimCgroup: string;
}

/** Field of containerd's options up to 1.7, reserved since: path of CRIU. */
const CRIU_PATH_FIELD = 8;

/**
 * What the options of a create request ask for. Those about joining another shim are ignored.
 *
 * @param systemd - whether systemd runs here.
 * @throws Fault `failed_precondition` for systemd's cgroups where it does not; `invalid_argument` for options of another
 *   runtime.
 */
export function chooseRuntime(
  namespace: string,
  options: TypedBytes | undefined,
  defaults: RuntimeDefaults,
  systemd: boolean,
): Chosen {
  if (options === undefined || options.typeUrl === '') {
    return { choice: choice(namespace, defaults), criuImagePath: '', shimCgroup: '' };
  }
  const name = options.typeUrl.slice(options.typeUrl.lastIndexOf('/') + 1);
  if (name !== OptionsSchema.typeName) {
    throw new Fault(
      'invalid_argument',
      `runtime options ${quote(name)}: expected ${OptionsSchema.typeName}, or none`,
    );
  }
  const wire = unpackMessage(OptionsSchema, options);
  const { binaryName, root, noPivotRoot, noNewKeyring, ioUid, ioGid, systemdCgroup } = wire;
  if (systemdCgroup && !systemd) {
    throw new Fault(
      'failed_precondition',
      'runtime option systemd_cgroup: systemd does not run here; leave it out and use a cgroup path',
    );
  }
  const { criuImagePath, criuWorkPath, shimCgroup } = wire;
  const criuPath = stringField(wire, CRIU_PATH_FIELD);
  for (const [name, path] of Object.entries({ criu_path: criuPath, criu_work_path: criuWorkPath })) {
    if (path === '' || isAbsolute(path)) continue;
    throw new Fault('invalid_argument', `runtime option ${name} ${quote(path)}: must be an absolute path`);
  }
  const chosen: RuntimeChoice = {
    ...choice(namespace, {
      binary: binaryName === '' ? defaults.binary : binaryName,
      root: root === '' ? defaults.root : root,
    }),
    ...{ noPivotRoot, noNewKeyring, ioUid, ioGid },
    ...(systemdCgroup && { systemdCgroup }),
    ...(criuPath !== '' && { criuPath }),
    ...(criuWorkPath !== '' && { criuWorkPath }),
  };
  return { choice: chosen, criuImagePath, shimCgroup };
}

/** A string that the schema does not know of; the last one counts. */
function stringField(message: Message, number: number): string {
  const field = message.$unknown?.findLast(
    ({ no, wireType }) => no === number && wireType === WireType.LengthDelimited,
  );
  return field === undefined ? '' : new BinaryReader(field.data).string();
}

const SYSTEMD_PATH = /^[^:]*:[^:]*:[^:]+$/;

/**
 * @throws Fault `invalid_argument` if a cgroup path is not one of systemd's, and is to be. None is one of the runtime's
 *   choice.
 */
export function checkSystemdPath(id: string, cgroupsPath: string | undefined): void {
  if (cgroupsPath === undefined || SYSTEMD_PATH.test(cgroupsPath)) return;
  throw new Fault(
    'invalid_argument',
    `create task ${id}: cgroup path ${quote(cgroupsPath)}: with systemd_cgroup it must be slice:prefix:name`,
  );
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
