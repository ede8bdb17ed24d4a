import { Fault } from '@stowage/core';
import type { CdiDeviceNode, CdiEdits } from './cdi-file.ts';
import { type CdiOptions, checkCdiName, findCdiDevices } from './cdi-registry.ts';
import { applyOptions, type SpecOption } from './compose.ts';
import { addDevice } from './device-options.ts';
import { withHooks } from './hook-options.ts';
import { type DeviceLookup, hostDevices, mustFind } from './host-devices.ts';
import { changeLinux } from './linux-options.ts';
import { changeProcess, withEnv } from './process-options.ts';
import type { Hook, HookName, LinuxDevice, Spec, SpecMount } from './spec.ts';

export interface WithCdiOptions extends CdiOptions {
  /** Fills in what files leave out of device nodes. */
  readonly lookup?: DeviceLookup | undefined;
}

/**
 * Makes the changes that vendors' files describe for devices, such as `nvidia.com/gpu=0`: of the file once, and of each
 * device.
 *
 * Only names that are given here count. Annotations `cdi.k8s.io/…` of a spec or an image are never read, since whoever
 * makes an image could ask for devices by them (CVE-2026-95837); a caller that trusts its annotations reads the names
 * out of them itself.
 *
 * @throws Fault `invalid_argument` for what is no name of a CDI device; `not_found` for one that no file has, and for
 *   a device node that the host does not have; `conflict` if two files of one directory have it.
 */
export function withCdiDevices(names: readonly string[], options: WithCdiOptions = {}): SpecOption {
  const { lookup = hostDevices() } = options;
  for (const name of names) checkCdiName(name);
  return async (spec) => {
    const devices = await findCdiDevices([...new Set(names)], options);
    const files = new Set<string>();
    let result = spec;
    for (const { file, edits } of devices) {
      if (!files.has(file.path)) result = await applyEdits(result, file.edits, lookup);
      files.add(file.path);
      result = await applyEdits(result, edits, lookup);
    }
    return result;
  };
}

async function applyEdits(spec: Spec, edits: CdiEdits, lookup: DeviceLookup): Promise<Spec> {
  const { env = [], deviceNodes = [], mounts = [], hooks = [], additionalGids = [], intelRdt } = edits;
  let result = await applyOptions(spec, withEnv(env));
  for (const node of deviceNodes) {
    const device = await deviceOf(node, result, lookup);
    result = addDevice(result, device, node.permissions || 'rwm');
  }
  if (mounts.length > 0) {
    const places = new Set(mounts.map((m) => m.containerPath));
    const kept = result.mounts?.filter((m) => !places.has(m.destination)) ?? [];
    const added = mounts.map(
      ({ hostPath, containerPath, type, options = [] }): SpecMount => ({
        destination: containerPath,
        source: hostPath,
        type: type || 'bind',
        options,
      }),
    );
    result = { ...result, mounts: parentsFirst([...kept, ...added]) };
  }
  const byName: { [name in HookName]?: Hook[] } = {};
  for (const { hookName, ...hook } of hooks) byName[hookName] = [...(byName[hookName] ?? []), hook];
  if (hooks.length > 0) result = await applyOptions(result, withHooks(byName));
  // 0 would make the container's user one of root's group.
  const gids = additionalGids.filter((gid) => gid !== 0);
  if (gids.length > 0) {
    const user = result.process?.user ?? { uid: 0, gid: 0 };
    const all = [...new Set([...(user.additionalGids ?? []), ...gids])];
    result = changeProcess(result, { user: { ...user, additionalGids: all } });
  }
  return intelRdt === undefined ? result : changeLinux(result, { intelRdt });
}

async function deviceOf(node: CdiDeviceNode, spec: Spec, lookup: DeviceLookup): Promise<LinuxDevice> {
  const { path, hostPath = path, fileMode } = node;
  const { uid: runsAs = 0, gid: inGroup = 0 } = spec.process?.user ?? {};
  const [uid, gid] = [node.uid ?? (runsAs || undefined), node.gid ?? (inGroup || undefined)];
  const owner = { ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }) };
  const mode = fileMode === undefined ? {} : { fileMode };
  if (node.type === 'p') return { path, type: 'p', ...mode, ...owner };
  if (node.type && node.major !== undefined && node.minor !== undefined)
    return { path, type: node.type, major: node.major, minor: node.minor, ...mode, ...owner };
  const found = await mustFind(hostPath, lookup);
  const type = node.type || found.type;
  // An unbuffered device is a character device to the kernel.
  if ((type === 'u' ? 'c' : type) !== found.type)
    throw new Fault('invalid_argument', `device ${hostPath}: it is of type ${found.type}, not ${type}`);
  const { major, minor, mode: bits } = found;
  return { path, type, major, minor, fileMode: fileMode ?? bits, ...owner };
}

/** So that none is hidden by one above it; those of one depth in the order they had. */
function parentsFirst(mounts: readonly SpecMount[]): SpecMount[] {
  const depth = ({ destination }: SpecMount) => destination.split('/').filter(Boolean).length;
  return [...mounts].sort((a, b) => depth(a) - depth(b));
}
