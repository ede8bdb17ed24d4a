import { Fault, quote, reasonOf } from '@stowage/core';
import { whole } from './check.ts';
import { checkAccess } from './device-options.ts';
import {
  absolute,
  anything,
  bad,
  type Check,
  each,
  fields,
  list,
  need,
  number,
  oneOf,
  text,
} from './json-check.ts';
import type { HookName, IntelRdt } from './spec.ts';

/** Changes that a vendor's file wants made to a container (CDI SPEC.md, Container edits). */
export interface CdiEdits {
  readonly env?: readonly string[] | undefined;
  readonly deviceNodes?: readonly CdiDeviceNode[] | undefined;
  readonly mounts?: readonly CdiMount[] | undefined;
  readonly hooks?: readonly CdiHook[] | undefined;
  readonly additionalGids?: readonly number[] | undefined;
  readonly intelRdt?: IntelRdt | undefined;
}

export interface CdiDeviceNode {
  readonly path: string;
  readonly hostPath?: string | undefined;
  readonly type?: 'b' | 'c' | 'u' | 'p' | undefined;
  readonly major?: number | undefined;
  readonly minor?: number | undefined;
  readonly fileMode?: number | undefined;
  readonly permissions?: string | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

export interface CdiMount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly type?: string | undefined;
  readonly options?: readonly string[] | undefined;
}

export interface CdiHook {
  readonly hookName: HookName;
  readonly path: string;
  readonly args?: readonly string[] | undefined;
  readonly env?: readonly string[] | undefined;
  readonly timeout?: number | undefined;
}

export interface CdiFile {
  readonly path: string;
  /** `vendor.com/class`. */
  readonly kind: string;
  /** Made once if any of the devices is asked for. */
  readonly edits: CdiEdits;
  /** By name. */
  readonly devices: ReadonlyMap<string, CdiEdits>;
}

const VERSIONS = ['0.3.0', '0.4.0', '0.5.0', '0.6.0', '0.7.0', '0.8.0', '1.0.0', '1.1.0'];
const KIND = /^[A-Za-z](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?\/[A-Za-z](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?$/;
export const CDI_DEVICE_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_.:-]*[A-Za-z0-9])?$/;

/**
 * Checks a file's content that a parser made of its text.
 *
 * @throws Fault `invalid_argument`, naming the file and the field; so for any field that CDI does not have, as the
 *   specification wants it.
 */
export function readCdiFile(path: string, content: unknown): CdiFile {
  try {
    const file = fields(content, '', {
      cdiVersion: text,
      kind: text,
      annotations: anything,
      devices: anything,
      containerEdits: edits,
    });
    const { cdiVersion, kind } = file;
    if (typeof cdiVersion !== 'string' || !VERSIONS.includes(cdiVersion.replace(/^v/, '')))
      throw bad('cdiVersion', `${quote(String(cdiVersion))} is none of ${VERSIONS.join(', ')}`);
    if (typeof kind !== 'string' || !KIND.test(kind))
      throw bad('kind', `${quote(String(kind))} must read vendor.com/class`);
    const devices = new Map<string, CdiEdits>();
    for (const [i, value] of list(file.devices, 'devices').entries()) {
      const at = `devices[${i}]`;
      const device = fields(value, at, { name: text, annotations: anything, containerEdits: edits });
      const name = device.name;
      if (typeof name !== 'string' || !CDI_DEVICE_NAME.test(name))
        throw bad(`${at}.name`, `${quote(String(name))} is no name of a device`);
      if (devices.has(name)) throw bad(at, `${quote(name)} is there twice`);
      if (device.containerEdits === undefined) throw bad(at, 'it has no containerEdits');
      devices.set(name, device.containerEdits as CdiEdits);
    }
    if (devices.size === 0) throw bad('devices', 'there are none');
    return { path, kind, edits: (file.containerEdits ?? {}) as CdiEdits, devices };
  } catch (e) {
    throw new Fault('invalid_argument', `CDI file ${path}: ${reasonOf(e)}`, { cause: e });
  }
}

const edits: Check = (value, at) => {
  fields(value, at, {
    env: each((entry, at) => {
      text(entry, at);
      if (!/^[^=\0]+=[^\0]*$/.test(String(entry))) throw bad(at, 'it must read NAME=value');
    }),
    deviceNodes: each(deviceNode),
    mounts: each(mount),
    hooks: each(hook),
    additionalGids: each((gid, at) => whole(at, Number(gid), 0, 0x7fffffff)),
    intelRdt: (rdt, at) =>
      fields(rdt, at, {
        closID: text,
        l3CacheSchema: text,
        memBwSchema: text,
        enableCMT: anything,
        enableMBM: anything,
      }),
  });
};

const deviceNode: Check = (value, at) => {
  const node = fields(value, at, {
    path: absolute,
    hostPath: absolute,
    type: oneOf('b', 'c', 'u', 'p', ''),
    major: number,
    minor: number,
    fileMode: number,
    permissions: (access) => access !== '' && checkAccess(String(access)),
    uid: number,
    gid: number,
  });
  need(node, at, 'path');
};

const mount: Check = (value, at) => {
  const found = fields(value, at, {
    hostPath: text,
    containerPath: absolute,
    type: text,
    options: each(text),
  });
  need(found, at, 'hostPath', 'containerPath');
};

const hook: Check = (value, at) => {
  const found = fields(value, at, {
    hookName: oneOf(
      'prestart',
      'createRuntime',
      'createContainer',
      'startContainer',
      'poststart',
      'poststop',
    ),
    path: absolute,
    args: each(text),
    env: each(text),
    timeout: (seconds, at) => whole(at, Number(seconds), 1),
  });
  need(found, at, 'hookName', 'path');
};
