import {
  type SpecOption,
  withBlockIo,
  withCpuLimits,
  withCpus,
  withMemoryLimits,
  withParentCgroup,
  withPidsLimit,
} from '@stowage/oci-spec';
import type { RunFlags } from '../commands/run-flags.ts';

/** What flags say of a container's share of the machine. */
export function limitOptions(flags: RunFlags): SpecOption[] {
  const { memory, memorySwap, memoryReservation, cpus, cpuShares, cpusetCpus, cpusetMems } = flags;
  const { pidsLimit, blkioWeight, cgroupParent } = flags;
  return [
    ...(memory === undefined && memorySwap === undefined && memoryReservation === undefined
      ? []
      : [
          withMemoryLimits({
            limitBytes: memory,
            swapBytes: memorySwap,
            reservationBytes: memoryReservation,
          }),
        ]),
    ...(cpus === undefined ? [] : [withCpus(cpus)]),
    ...(cpuShares === undefined && cpusetCpus === undefined && cpusetMems === undefined
      ? []
      : [withCpuLimits({ shares: cpuShares, cpus: cpusetCpus, mems: cpusetMems })]),
    ...(pidsLimit === undefined ? [] : [withPidsLimit(pidsLimit)]),
    ...(blkioWeight === undefined ? [] : [withBlockIo({ weight: blkioWeight })]),
    ...(cgroupParent === undefined ? [] : [withParentCgroup(cgroupParent)]),
  ];
}
