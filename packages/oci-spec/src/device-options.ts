import { Fault, quote } from '@stowage/core';
import { absolutePath } from './check.ts';
import type { SpecOption } from './compose.ts';
import {
  type DeviceLookup,
  devicesBelow,
  type HostDevice,
  hostDevices,
  mustBeDevice,
} from './host-devices.ts';
import { changeLinux, changeResources } from './linux-options.ts';
import type { DeviceRule, LinuxDevice, Spec } from './spec.ts';

export interface DeviceRequest {
  /** A device of the host, or a directory: all devices in it. */
  readonly path: string;
  /** Where it shows in the container. Default: `path`. */
  readonly containerPath?: string | undefined;
  /** Of `r`ead, `w`rite and `m`ake node. Default `rwm`. */
  readonly access?: string | undefined;
}

/**
 * Reads `/dev/x[:/dev/y][:rwm]`, as `--device` of docker and nerdctl.
 *
 * @throws Fault `invalid_argument` for anything else.
 */
export function parseDevice(text: string): DeviceRequest {
  const [path = '', ...more] = text.split(':');
  const [containerPath, access] =
    more.length === 1 && !more[0]?.startsWith('/') ? [undefined, more[0]] : more;
  if (more.length > 2 || path === '')
    throw new Fault('invalid_argument', `device ${quote(text)} must read /dev/x[:/dev/y][:rwm]`);
  const request = {
    path,
    ...(containerPath !== undefined && { containerPath }),
    ...(access !== undefined && { access }),
  };
  checkRequest(request);
  return request;
}

/**
 * Makes devices of the host in the container, and lets it use them.
 *
 * @throws Fault `invalid_argument` for a path or access that makes no sense and for what is no device; `not_found` for
 *   one that the host does not have, and for a directory without any.
 */
export function withDevices(
  requests: readonly DeviceRequest[],
  lookup: DeviceLookup = hostDevices(),
): SpecOption {
  for (const request of requests) checkRequest(request);
  return async (spec) => {
    let result = spec;
    for (const { path: given, containerPath = given, access = 'rwm' } of requests) {
      const path = trimmed(given);
      const found = await lookup.find(path);
      if (found !== 'directory') {
        result = addDevice(result, nodeOf(containerPath, mustBeDevice(path, found)), access);
        continue;
      }
      let isEmpty = true;
      for await (const below of devicesBelow(path, lookup)) {
        isEmpty = false;
        const at = `${trimmed(containerPath)}${below.path.slice(path.length)}`;
        result = addDevice(result, nodeOf(at, below.device), access);
      }
      if (isEmpty) throw new Fault('not_found', `device ${path}: a directory without devices`);
    }
    return result;
  };
}

/** Makes every device of the host in the container, beside what it may use: for privileged ones. */
export function withHostDevices(lookup: DeviceLookup = hostDevices()): SpecOption {
  return async (spec) => {
    const nodes: LinuxDevice[] = [];
    for await (const { path, device } of devicesBelow('/dev', lookup)) nodes.push(nodeOf(path, device));
    return changeLinux(spec, { devices: merged(spec.linux?.devices, nodes) });
  };
}

/** Adds rules behind those that are there; the last one that fits a device decides. */
export function withDeviceRules(rules: readonly DeviceRule[]): SpecOption {
  for (const { access } of rules) checkAccess(access);
  return (spec) => addRules(spec, rules);
}

/** A spec with this node, in place of one at its path, and a rule for it. */
export function addDevice(spec: Spec, node: LinuxDevice, access: string): Spec {
  const withNode = changeLinux(spec, { devices: merged(spec.linux?.devices, [node]) });
  if (node.type === 'p') return withNode;
  const { major, minor } = node;
  return addRules(withNode, [{ allow: true, type: node.type === 'b' ? 'b' : 'c', major, minor, access }]);
}

export function checkAccess(access: string): void {
  if (/^[rwm]{1,3}$/.test(access) && new Set(access).size === access.length) return;
  throw new Fault('invalid_argument', `device access ${quote(access)} must be made of r, w and m`);
}

function trimmed(path: string): string {
  return path.replace(/(?<=.)\/+$/, '');
}

function checkRequest({ path, containerPath, access }: DeviceRequest): void {
  absolutePath('device', path);
  if (containerPath !== undefined) absolutePath('device path in the container', containerPath);
  if (access !== undefined) checkAccess(access);
}

function nodeOf(path: string, { type, major, minor, mode, uid, gid }: HostDevice): LinuxDevice {
  return { path, type, major, minor, fileMode: mode, uid, gid };
}

function merged(before: readonly LinuxDevice[] = [], nodes: readonly LinuxDevice[]): LinuxDevice[] {
  return [...new Map([...before, ...nodes].map((node) => [node.path, node])).values()];
}

function addRules(spec: Spec, rules: readonly DeviceRule[]): Spec {
  return changeResources(spec, { devices: [...(spec.linux?.resources?.devices ?? []), ...rules] });
}
