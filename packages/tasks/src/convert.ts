import { create } from '@bufbuild/protobuf';
import type { CreateTaskRequest, ExecProcessRequest } from '@stowage/api/tasks/v1';
import { ProcessSchema, type Process as WireProcess } from '@stowage/api/types/task';
import { dateOf, descriptorFromWire, mountFromWire, timestampOf, typedBytesOf } from '@stowage/rpc';
import { statusFromWire, statusToWire } from '@stowage/runtime/status';
import type { ContainerProcess, NewExec, NewTask, Process } from './tasks.ts';

/** The wire says "init" by an empty exec id, the interface by none. */
export function processFrom(request: { containerId: string; execId?: string }): ContainerProcess {
  const { containerId, execId } = request;
  return execId ? { containerId, execId } : { containerId };
}

export function newTaskFrom(request: CreateTaskRequest): NewTask {
  const { containerId, stdin, stdout, stderr, terminal, runtimePath, options, checkpoint } = request;
  return {
    containerId,
    stdin,
    stdout,
    stderr,
    terminal,
    rootfs: request.rootfs.map(mountFromWire),
    options: typedBytesOf(options),
    ...(runtimePath !== '' && { runtimePath }),
    ...(checkpoint !== undefined && { checkpoint: descriptorFromWire(checkpoint, 'checkpoint') }),
  };
}

export function newExecFrom(request: ExecProcessRequest): NewExec {
  const { containerId, execId, stdin, stdout, stderr, terminal, spec } = request;
  return { containerId, execId, stdin, stdout, stderr, terminal, spec: typedBytesOf(spec) };
}

export function processToWire(process: Process): WireProcess {
  const { status, exitedAt, ...same } = process;
  return create(ProcessSchema, { ...same, status: statusToWire(status), exitedAt: timestampOf(exitedAt) });
}

export function processFromWire(wire: WireProcess): Process {
  const { containerId, id, pid, stdin, stdout, stderr, terminal, exitStatus } = wire;
  const status = statusFromWire(wire.status);
  const exitedAt = dateOf(wire.exitedAt);
  return { containerId, id, pid, status, stdin, stdout, stderr, terminal, exitStatus, exitedAt };
}
