import { create } from '@bufbuild/protobuf';
import {
  ActivationInfoSchema,
  ActiveMountSchema,
  type ActivationInfo as WireActivation,
  type ActiveMount as WireActiveMount,
} from '@stowage/api/types';
import { cleanLabels, Fault } from '@stowage/core';
import { dateOf, mountFromWire, mountToWire, timestampOf } from '@stowage/rpc';
import type { Activation, ActiveMount } from './mount-manager.ts';

/** @throws Fault `unknown` if the server answered without it. */
export function activationFromWire(wire: WireActivation | undefined): Activation {
  if (wire === undefined) throw new Fault('unknown', 'the mount manager answered without an activation');
  const { name, active, system, labels } = wire;
  return {
    name,
    active: active.map(activeFromWire),
    system: system.map(mountFromWire),
    labels: cleanLabels(labels),
  };
}

export function activationToWire({ name, active, system, labels }: Activation): WireActivation {
  return create(ActivationInfoSchema, {
    name,
    active: active.map(activeToWire),
    system: system.map(mountToWire),
    labels: cleanLabels(labels),
  });
}

/** containerd forgets all of a mount but its type and mount point once it is made. */
function activeFromWire({ mount, mountedAt, mountPoint, data }: WireActiveMount): ActiveMount {
  const made = mount === undefined ? { type: '', source: '', options: [] } : mountFromWire(mount);
  return { ...made, mountedAt: dateOf(mountedAt) ?? new Date(0), mountPoint, data: copied(data) };
}

function activeToWire({ mountedAt, mountPoint, data, ...mount }: ActiveMount): WireActiveMount {
  return create(ActiveMountSchema, {
    mount: mountToWire(mount),
    mountedAt: timestampOf(mountedAt),
    mountPoint,
    data: copied(data),
  });
}

function copied(data: Readonly<Record<string, string>>): Record<string, string> {
  return Object.assign(Object.create(null), data);
}
