import { tmpdir } from 'node:os';
import { fromBinary } from '@bufbuild/protobuf';
import { RuntimeInfoSchema, type RuntimeInfo as WireInfo } from '@stowage/api/types';
import { Fault, type TypedBytes } from '@stowage/core';
import { typedBytesOf } from '@stowage/rpc';
import type { RuntimeInfo } from '@stowage/runtime';
import { printed, runBinary } from './run-binary.ts';
import { type Addresses, optionsInput, shimEnvironment } from './shim-command.ts';

const INFO_MS = 5000;

/**
 * What a shim says of itself.
 *
 * @throws Fault `unimplemented` if it can't tell: only shims of containerd 2.0 and later can.
 */
export async function runtimeInfo(
  runtimeName: string,
  binary: string,
  options: TypedBytes | undefined,
  at: Addresses,
  signal?: AbortSignal,
): Promise<RuntimeInfo> {
  const output = await runBinary({
    binary,
    args: ['-info'],
    cwd: tmpdir(),
    env: shimEnvironment({ namespace: 'default' }, at),
    input: optionsInput(options),
    timeoutMs: INFO_MS,
    signal,
  });
  const said = output.ended === 0 ? parsed(output.stdout) : undefined;
  if (said === undefined) {
    const why = output.ended === 0 ? 'its answer is no RuntimeInfo' : `it ended with ${output.ended}`;
    const text = printed(output) || 'nothing';
    throw new Fault(
      'unimplemented',
      `info of runtime ${runtimeName}: ${binary} -info: ${why}; it printed ${text}`,
    );
  }
  const { name, version, annotations, features } = said;
  return {
    name: name === '' ? runtimeName : name,
    version: version?.version ?? '',
    revision: version?.revision ?? '',
    annotations,
    features: typedBytesOf(features),
  };
}

function parsed(bytes: Uint8Array): WireInfo | undefined {
  try {
    return fromBinary(RuntimeInfoSchema, bytes);
  } catch {
    return undefined;
  }
}
