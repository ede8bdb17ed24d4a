import { fromBinary } from '@bufbuild/protobuf';
import { DeleteResponseSchema } from '@stowage/api/task/v3';
import { Fault } from '@stowage/core';
import { dateOf } from '@stowage/rpc';
import type { Exit } from '@stowage/runtime';
import { printed, runBinary } from './run-binary.ts';
import { type Addresses, type ShimIdentity, shimArguments, shimEnvironment } from './shim-command.ts';

const DELETE_MS = 5000;

/**
 * Has the shim's binary remove what is left of a container, whether a shim lives or not.
 *
 * @returns how it says that the container ended: runc's says 137.
 * @throws Fault with what it printed.
 * @see containerd core/runtime/v2/binary.go Delete
 */
export async function deleteByBinary(shim: ShimIdentity, at: Addresses): Promise<Exit> {
  const { binary, bundle } = shim;
  if (binary === '')
    throw new Fault('unavailable', `clean up ${bundle}: the binary of its shim is not known`);
  const output = await runBinary({
    binary,
    args: shimArguments(shim, 'delete', at),
    cwd: bundle,
    env: shimEnvironment(shim, at),
    timeoutMs: DELETE_MS,
  });
  const refuse = (reason: string) =>
    new Fault('unknown', `${binary} delete: ${reason}; it printed ${printed(output) || 'nothing'}`);
  if (output.ended !== 0) throw refuse(`it ended with ${output.ended}`);
  try {
    const { exitStatus, exitedAt } = fromBinary(DeleteResponseSchema, output.stdout);
    return { exitStatus, exitedAt: dateOf(exitedAt) ?? new Date() };
  } catch {
    throw refuse('its answer is no DeleteResponse');
  }
}
