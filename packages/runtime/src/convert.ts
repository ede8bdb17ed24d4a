import { create } from '@bufbuild/protobuf';
import {
  type CreateTaskRequest,
  CreateTaskRequestSchema,
  type DeleteResponse,
  DeleteResponseSchema,
  type ExecProcessRequest,
  ExecProcessRequestSchema,
  type StateResponse,
  StateResponseSchema,
  type WaitResponse,
  WaitResponseSchema,
} from '@stowage/api/task/v3';
import { ProcessInfoSchema, type ProcessInfo as WireProcessInfo } from '@stowage/api/types/task';
import { Fault } from '@stowage/core';
import { anyOf, dateOf, mountFromWire, mountToWire, timestampOf, typedBytesOf } from '@stowage/rpc';
import { statusFromWire, statusToWire } from './status.ts';
import type { CreateTask, ExecProcess, Exit, ProcessId, ProcessInfo, ProcessState } from './task-service.ts';

/** The wire names the init by an empty exec id, the interface by none. */
export function processFromWire({ id, execId }: { id: string; execId: string }): ProcessId {
  return execId === '' ? { id } : { id, execId };
}

export function processToWire({ id, execId = '' }: ProcessId): { id: string; execId: string } {
  return { id, execId };
}

export function createTaskFromWire(wire: CreateTaskRequest): CreateTask {
  const { id, bundle, terminal, stdin, stdout, stderr, checkpoint, parentCheckpoint } = wire;
  return {
    id,
    bundle,
    rootfs: wire.rootfs.map(mountFromWire),
    terminal,
    stdin,
    stdout,
    stderr,
    options: typedBytesOf(wire.options),
    ...(checkpoint !== '' && { checkpoint }),
    ...(parentCheckpoint !== '' && { parentCheckpoint }),
  };
}

export function createTaskToWire({ rootfs, options, ...same }: CreateTask): CreateTaskRequest {
  const { id, bundle, terminal, stdin, stdout, stderr, checkpoint = '', parentCheckpoint = '' } = same;
  return create(CreateTaskRequestSchema, {
    ...{ id, bundle, terminal, stdin, stdout, stderr, checkpoint, parentCheckpoint },
    rootfs: rootfs.map(mountToWire),
    ...(options && { options: anyOf(options) }),
  });
}

/** @throws Fault `invalid_argument` if there is no process to add. */
export function execFromWire(wire: ExecProcessRequest): ExecProcess {
  const { id, execId, terminal, stdin, stdout, stderr } = wire;
  const spec = typedBytesOf(wire.spec);
  if (spec === undefined)
    throw new Fault('invalid_argument', `exec ${execId} in ${id}: a process spec is required`);
  return { id, execId, terminal, stdin, stdout, stderr, spec };
}

export function execToWire({ id, execId, terminal, stdin, stdout, stderr, spec }: ExecProcess) {
  return create(ExecProcessRequestSchema, {
    ...{ id, execId, terminal, stdin, stdout, stderr },
    spec: anyOf(spec),
  });
}

export function stateToWire({ status, exitedAt, ...state }: ProcessState): StateResponse {
  const { id, execId, bundle, pid, stdin, stdout, stderr, terminal, exitStatus } = state;
  return create(StateResponseSchema, {
    ...{ id, execId, bundle, pid, stdin, stdout, stderr, terminal, exitStatus },
    status: statusToWire(status),
    ...(exitedAt && { exitedAt: timestampOf(exitedAt) }),
  });
}

export function stateFromWire(wire: StateResponse): ProcessState {
  const { id, execId, bundle, pid, stdin, stdout, stderr, terminal, exitStatus, exitedAt } = wire;
  return {
    ...{ id, execId, bundle, pid, stdin, stdout, stderr, terminal, exitStatus },
    status: statusFromWire(wire.status),
    ...(exitedAt && { exitedAt: dateOf(exitedAt) }),
  };
}

export function processInfoToWire({ pid, info }: ProcessInfo): WireProcessInfo {
  return create(ProcessInfoSchema, info === undefined ? { pid } : { pid, info: anyOf(info) });
}

export function processInfoFromWire({ pid, info }: WireProcessInfo): ProcessInfo {
  return info === undefined ? { pid } : { pid, info: typedBytesOf(info) };
}

export function exitToWire({ exitStatus, exitedAt }: Exit): WaitResponse {
  return create(WaitResponseSchema, { exitStatus, exitedAt: timestampOf(exitedAt) });
}

export function exitFromWire({ exitStatus, exitedAt }: WaitResponse | DeleteResponse): Exit {
  return { exitStatus, exitedAt: dateOf(exitedAt) ?? new Date(0) };
}

export function deletedToWire({ pid, exitStatus, exitedAt }: Exit & { readonly pid: number }) {
  return create(DeleteResponseSchema, { pid, exitStatus, exitedAt: timestampOf(exitedAt) });
}
