import { create, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { BootstrapParamsSchema } from '@stowage/api/runtime/bootstrap/v1';
import type { TypedBytes } from '@stowage/core';
import { anyOf } from '@stowage/rpc';

/** What is told to each call of a shim's binary. */
export interface ShimIdentity {
  readonly binary: string;
  readonly namespace: string;
  readonly id: string;
  /** Working directory of the call. */
  readonly bundle: string;
}

/** Where shims find this runtime. */
export interface Addresses {
  /** Takes events, over ttrpc. */
  readonly ttrpc: string;
  /** The daemon's socket. */
  readonly grpc: string;
}

/** Which input a start is given. Shims from before 2.3 know only the options; some since know only the parameters. */
export type StartInput = 'parameters' | 'options';

/** Run by old shims to publish an event, where they do not speak ttrpc. There is no such program here. */
const PUBLISH_BINARY = '/bin/false';
/** Version of containerd that this is like, for shims that look. */
const CONTAINERD_VERSION = '2.3.4';

/** @see containerd core/runtime/v2/command.go */
export function shimArguments(
  { namespace, id, bundle }: ShimIdentity,
  action: 'start' | 'delete',
  { grpc }: Addresses,
): string[] {
  const who = ['-namespace', namespace, '-address', grpc, '-publish-binary', PUBLISH_BINARY, '-id', id];
  return action === 'delete' ? [...who, '-bundle', bundle, action] : [...who, action];
}

/** As the daemon's own, without what is meant for node; a shim may be written for it, too. */
export function shimEnvironment(
  { namespace }: Pick<ShimIdentity, 'namespace'>,
  at: Addresses,
): Record<string, string> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('NODE_'));
  return {
    ...(Object.fromEntries(own) as Record<string, string>),
    GOMAXPROCS: '2',
    MAX_SHIM_VERSION: '2',
    TTRPC_ADDRESS: at.ttrpc,
    GRPC_ADDRESS: at.grpc,
    NAMESPACE: namespace,
  };
}

export function startInput(
  kind: StartInput,
  { namespace, id }: ShimIdentity,
  options: TypedBytes | undefined,
  at: Addresses,
): Uint8Array {
  if (kind === 'options') return optionsInput(options);
  const params = create(BootstrapParamsSchema, {
    instanceId: id,
    namespace,
    containerdVersion: CONTAINERD_VERSION,
    containerdTtrpcAddress: at.ttrpc,
    containerdGrpcAddress: at.grpc,
    containerdBinary: PUBLISH_BINARY,
    extensions: options === undefined ? [] : [{ value: anyOf(options) }],
  });
  return toBinary(BootstrapParamsSchema, params);
}

export function optionsInput(options: TypedBytes | undefined): Uint8Array {
  return options === undefined ? new Uint8Array() : toBinary(AnySchema, anyOf(options));
}
