import { Fault } from '@stowage/core';
import { whole } from './check.ts';
import type { SpecOption } from './compose.ts';
import { type DeviceLookup, hostDevices, mustFind } from './host-devices.ts';
import { changeResources } from './linux-options.ts';
import type { LinuxBlockIo, ThrottleDevice } from './spec.ts';

/** A rate for one device of the host: bytes or operations in a second. */
export interface DeviceRate {
  readonly path: string;
  readonly rate: number;
}

export interface BlockIoLimits {
  /** 10 to 1000, against other containers. */
  readonly weight?: number | undefined;
  readonly deviceWeights?: readonly { readonly path: string; readonly weight: number }[] | undefined;
  readonly readBytesPerSecond?: readonly DeviceRate[] | undefined;
  readonly writeBytesPerSecond?: readonly DeviceRate[] | undefined;
  readonly readsPerSecond?: readonly DeviceRate[] | undefined;
  readonly writesPerSecond?: readonly DeviceRate[] | undefined;
}

/**
 * How much of the disks it may use.
 *
 * @throws Fault `invalid_argument` for a weight or rate out of range and for what is no block device; `not_found` for
 *   a device that the host does not have.
 */
export function withBlockIo(limits: BlockIoLimits, lookup: DeviceLookup = hostDevices()): SpecOption {
  const { weight, deviceWeights = [] } = limits;
  if (weight !== undefined) whole('block I/O weight', weight, 10, 1000);
  for (const { path, weight } of deviceWeights) whole(`block I/O weight of ${path}`, weight, 10, 1000);
  const rates = {
    throttleReadBpsDevice: limits.readBytesPerSecond,
    throttleWriteBpsDevice: limits.writeBytesPerSecond,
    throttleReadIOPSDevice: limits.readsPerSecond,
    throttleWriteIOPSDevice: limits.writesPerSecond,
  };
  for (const { path, rate } of Object.values(rates).flatMap((list) => list ?? []))
    whole(`rate of ${path}`, rate, 1);
  return async (spec) => {
    const throttles: Record<string, readonly ThrottleDevice[]> = {};
    for (const [name, list = []] of Object.entries(rates)) {
      if (list.length === 0) continue;
      throttles[name] = await Promise.all(
        list.map(async ({ path, rate }) => ({ ...(await blockDevice(path, lookup)), rate })),
      );
    }
    const weights = await Promise.all(
      deviceWeights.map(async ({ path, weight }) => ({ ...(await blockDevice(path, lookup)), weight })),
    );
    const blockIO: LinuxBlockIo = {
      ...spec.linux?.resources?.blockIO,
      ...(weight !== undefined && { weight }),
      ...(weights.length > 0 && { weightDevice: weights }),
      ...throttles,
    };
    return changeResources(spec, { blockIO });
  };
}

async function blockDevice(path: string, lookup: DeviceLookup) {
  const { type, major, minor } = await mustFind(path, lookup);
  if (type !== 'b') throw new Fault('invalid_argument', `device ${path}: it is no block device`);
  return { major, minor };
}
