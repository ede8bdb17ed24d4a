import { create, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { CheckpointOptionsSchema, OptionsSchema } from '@stowage/api/runc/v1';
import type { CreateTaskRequest, ExecProcessRequest } from '@stowage/api/tasks/v1';
import { ProcessSchema, type Process as WireProcess } from '@stowage/api/types/task';
import { Fault, quote, type TypedBytes } from '@stowage/core';
import {
  anyOf,
  dateOf,
  descriptorFromWire,
  mountFromWire,
  timestampOf,
  typedBytesOf,
  unpackMessage,
} from '@stowage/rpc';
import { statusFromWire, statusToWire } from '@stowage/runtime/status';
import type { ContainerProcess, NewExec, NewTask, Process } from './tasks.ts';

/** The wire says "init" by an empty exec id, the interface by none. */
export function processFrom(request: { containerId: string; execId?: string }): ContainerProcess {
  const { containerId, execId } = request;
  return execId ? { containerId, execId } : { containerId };
}

export function newTaskFrom(request: CreateTaskRequest): NewTask {
  const { containerId, stdin, stdout, stderr, terminal, runtimePath, options, checkpoint } = request;
  const { taskApiAddress: address, taskApiVersion: version } = request;
  return {
    containerId,
    stdin,
    stdout,
    stderr,
    terminal,
    rootfs: request.rootfs.map(mountFromWire),
    options: typedBytesOf(options),
    ...(runtimePath !== '' && { runtimePath }),
    ...(address !== '' && { taskApi: { address, version } }),
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

/** A container's spec as a checkpoint keeps it. */
export function specToBytes(spec: TypedBytes): Uint8Array {
  return toBinary(AnySchema, anyOf(spec));
}

/**
 * The directory that options of a checkpoint name; empty if none.
 *
 * @throws Fault `invalid_argument` for options of another kind.
 */
export function imagePathOf(options: TypedBytes | undefined): string {
  if (options === undefined || options.typeUrl === '') return '';
  if (nameOf(options) !== CheckpointOptionsSchema.typeName) {
    throw new Fault(
      'invalid_argument',
      `checkpoint options ${quote(options.typeUrl)}: expected ${CheckpointOptionsSchema.typeName}, or none`,
    );
  }
  return unpackMessage(CheckpointOptionsSchema, options).imagePath;
}

/** The directory of a checkpoint that options of a create name; empty if none, or if they are another runtime's. */
export function restorePathOf(options: TypedBytes | undefined): string {
  if (options === undefined || nameOf(options) !== OptionsSchema.typeName) return '';
  return unpackMessage(OptionsSchema, options).criuImagePath;
}

const nameOf = ({ typeUrl }: TypedBytes): string => typeUrl.slice(typeUrl.lastIndexOf('/') + 1);
