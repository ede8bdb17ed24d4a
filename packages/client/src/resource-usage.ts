import { fromBinary } from '@bufbuild/protobuf';
import { type Metrics as MetricsV1, MetricsSchema as MetricsV1Schema } from '@stowage/api/cgroups/v1';
import { type Metrics as MetricsV2, MetricsSchema as MetricsV2Schema } from '@stowage/api/cgroups/v2';
import { Fault } from '@stowage/core';
import type { Metric } from '@stowage/tasks';

/** What a container uses of the machine, whichever version of control groups counts it. What is not counted is 0. */
export interface ResourceUsage {
  readonly at: Date;
  /** Processor time since its start, of all processors. */
  readonly cpuNs: bigint;
  /** Without files that could be dropped from memory at once, as docker counts. */
  readonly memoryBytes: bigint;
  /** Undefined for no limit. */
  readonly memoryLimitBytes: bigint | undefined;
  /** Of block devices, since its start. */
  readonly readBytes: bigint;
  readonly writtenBytes: bigint;
  /** Processes and threads. */
  readonly pids: bigint;
  readonly pidsLimit: bigint | undefined;
}

/** No machine has as much: kernels say so for no limit, each in its way. */
const NO_LIMIT = 1n << 60n;

/** @throws Fault `unimplemented` for figures that are of no control group of Linux. */
export function resourceUsage({ id, timestamp, data }: Metric): ResourceUsage {
  const type = data.typeUrl.slice(data.typeUrl.lastIndexOf('/') + 1);
  if (type === MetricsV1Schema.typeName) return fromV1(timestamp, fromBinary(MetricsV1Schema, data.value));
  if (type === MetricsV2Schema.typeName) return fromV2(timestamp, fromBinary(MetricsV2Schema, data.value));
  throw new Fault(
    'unimplemented',
    `usage of ${id}: its runtime tells it in the form ${type}, which is not known`,
  );
}

/** @see docker cli/command/container/stats_helpers.go */
function fromV1(at: Date, { cpu, memory, blkio, pids }: MetricsV1): ResourceUsage {
  const bytes = (op: string) =>
    (blkio?.ioServiceBytesRecursive ?? [])
      .filter((entry) => entry.op.toLowerCase() === op)
      .reduce((sum, { value }) => sum + value, 0n);
  return {
    at,
    cpuNs: cpu?.usage?.total ?? 0n,
    memoryBytes: without(memory?.usage?.usage, memory?.totalInactiveFile),
    memoryLimitBytes: limit(memory?.usage?.limit),
    readBytes: bytes('read'),
    writtenBytes: bytes('write'),
    pids: pids?.current ?? 0n,
    pidsLimit: limit(pids?.limit),
  };
}

function fromV2(at: Date, { cpu, memory, io, pids }: MetricsV2): ResourceUsage {
  const devices = io?.usage ?? [];
  return {
    at,
    cpuNs: (cpu?.usageUsec ?? 0n) * 1000n,
    memoryBytes: without(memory?.usage, memory?.inactiveFile),
    memoryLimitBytes: limit(memory?.usageLimit),
    readBytes: devices.reduce((sum, { rbytes }) => sum + rbytes, 0n),
    writtenBytes: devices.reduce((sum, { wbytes }) => sum + wbytes, 0n),
    pids: pids?.current ?? 0n,
    pidsLimit: limit(pids?.limit),
  };
}

function without(usage = 0n, droppable = 0n): bigint {
  return usage > droppable ? usage - droppable : usage;
}

function limit(value = 0n): bigint | undefined {
  return value === 0n || value >= NO_LIMIT ? undefined : value;
}
