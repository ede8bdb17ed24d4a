import { create } from '@bufbuild/protobuf';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import {
  type ControllerCreateRequest,
  ControllerCreateRequestSchema,
  type ControllerStartResponse,
  ControllerStartResponseSchema,
  type ControllerStatusResponse,
  ControllerStatusResponseSchema,
  type ControllerWaitResponse,
  ControllerWaitResponseSchema,
} from '@stowage/api/sandbox/v1';
import { MetricSchema, type Metric as WireMetric, type Platform as WirePlatform } from '@stowage/api/types';
import { Fault, type Platform, quote } from '@stowage/core';
import {
  anyOf,
  dateOf,
  mountFromWire,
  mountToWire,
  platformFromWire,
  timestampOf,
  typedBytesOf,
} from '@stowage/rpc';
import { newSandboxFromWire, newSandboxToWire } from './convert.ts';
import type {
  CreateSandbox,
  SandboxExit,
  SandboxInstance,
  SandboxMetrics,
  SandboxStatus,
} from './sandbox-controller.ts';

/** @throws Fault `invalid_argument` if the record is of another sandbox. */
export function createSandboxFromWire(wire: ControllerCreateRequest): CreateSandbox {
  const { netnsPath, annotations, rootfs, options } = wire;
  const sandbox = wire.sandbox && newSandboxFromWire(wire.sandbox);
  const id = wire.sandboxId || (sandbox?.id ?? '');
  if (sandbox !== undefined && sandbox.id !== id) {
    const reason = `the record with it is of sandbox ${quote(sandbox.id)}`;
    throw new Fault('invalid_argument', `create sandbox ${quote(id)}: ${reason}`);
  }
  return {
    id,
    sandbox,
    rootfs: rootfs.map(mountFromWire),
    options: optionsOf(options),
    netnsPath,
    annotations,
  };
}

/** A Go client without options sends an Any of nothing. */
function optionsOf(any: ControllerCreateRequest['options']): CreateSandbox['options'] {
  return any?.typeUrl === '' && any.value.length === 0 ? undefined : typedBytesOf(any);
}

export function createSandboxToWire(request: CreateSandbox, sandboxer: string): ControllerCreateRequest {
  const { id, sandbox, rootfs, options, netnsPath, annotations } = request;
  return create(ControllerCreateRequestSchema, {
    ...{ sandboxId: id, netnsPath, sandboxer },
    annotations: { ...annotations },
    rootfs: rootfs.map(mountToWire),
    ...(options && { options: anyOf(options) }),
    ...(sandbox && { sandbox: newSandboxToWire(sandbox) }),
  });
}

export function instanceFromWire(wire: ControllerStartResponse, id: string): SandboxInstance {
  const { pid, createdAt, labels, address, version, spec } = wire;
  return { id, pid, createdAt: timeOf(createdAt), labels, address, version, spec: typedBytesOf(spec) };
}

export function instanceToWire(instance: SandboxInstance): ControllerStartResponse {
  const { id, pid, createdAt, labels, address, version, spec } = instance;
  return create(ControllerStartResponseSchema, {
    ...{ sandboxId: id, pid, address, version },
    labels: { ...labels },
    ...(createdAt && { createdAt: timestampOf(createdAt) }),
    ...(spec && { spec: anyOf(spec) }),
  });
}

export function statusFromWire(wire: ControllerStatusResponse, asked: string): SandboxStatus {
  const { sandboxId, pid, state, info, createdAt, exitedAt, extra, address, version } = wire;
  return {
    ...{ id: sandboxId || asked, pid, state, info, address, version },
    createdAt: timeOf(createdAt),
    exitedAt: timeOf(exitedAt),
    extra: typedBytesOf(extra),
  };
}

/** Go sends what it has no time for as the first second of the year 1, or of 1970. */
function timeOf(timestamp: Timestamp | undefined): Date | undefined {
  const at = dateOf(timestamp);
  return at !== undefined && at.getTime() <= 0 ? undefined : at;
}

export function statusToWire(status: SandboxStatus): ControllerStatusResponse {
  const { id, pid, state, info, createdAt, exitedAt, extra, address, version } = status;
  return create(ControllerStatusResponseSchema, {
    ...{ sandboxId: id, pid, state, address, version },
    info: { ...info },
    ...(createdAt && { createdAt: timestampOf(createdAt) }),
    ...(exitedAt && { exitedAt: timestampOf(exitedAt) }),
    ...(extra && { extra: anyOf(extra) }),
  });
}

export function sandboxExitFromWire({ exitStatus, exitedAt }: ControllerWaitResponse): SandboxExit {
  return { exitStatus, exitedAt: dateOf(exitedAt) ?? new Date(0) };
}

export function sandboxExitToWire({ exitStatus, exitedAt }: SandboxExit): ControllerWaitResponse {
  return create(ControllerWaitResponseSchema, { exitStatus, exitedAt: timestampOf(exitedAt) });
}

/** @throws Fault `internal` if it is not set. */
export function sandboxPlatformFromWire(wire: WirePlatform | undefined, asked: string): Platform {
  if (wire === undefined) throw new Fault('internal', `platform of sandbox ${asked}: empty answer`);
  return platformFromWire(wire);
}

/** @throws Fault `internal` if it is not set. */
export function metricsFromWire(wire: WireMetric | undefined, asked: string): SandboxMetrics {
  if (wire === undefined) throw new Fault('internal', `metrics of sandbox ${asked}: empty answer`);
  const { id, timestamp, data } = wire;
  return { id: id || asked, timestamp: dateOf(timestamp), data: typedBytesOf(data) };
}

export function metricsToWire({ id, timestamp, data }: SandboxMetrics): WireMetric {
  return create(MetricSchema, {
    id,
    ...(timestamp && { timestamp: timestampOf(timestamp) }),
    ...(data && { data: anyOf(data) }),
  });
}
