import { OptionsSchema } from '@stowage/api/runc/v1';
import type { Container } from '@stowage/containers';
import type { TypedBytes } from '@stowage/core';
import { unpackMessage } from '@stowage/rpc';
import type { SandboxPlace } from '@stowage/runtime';
import type { NewTask } from './tasks.ts';

/**
 * The sandbox that a task is to join: the one that its container's record names, at the address that the request has, or
 * that its options have if they are runc's, as containerd's Go client writes it there. Undefined for none.
 *
 * @throws Fault `invalid_argument` for options that are not what they say.
 * @see containerd client/task_opts.go WithTaskAPIEndpoint, core/runtime/v2/shim_manager.go Start
 */
export function sandboxPlace(
  { sandboxId: id }: Pick<Container, 'sandboxId'>,
  { taskApi, options }: Pick<NewTask, 'taskApi' | 'options'>,
): SandboxPlace | undefined {
  const { address, version } = taskApi ?? taskApiIn(options) ?? { address: '', version: 0 };
  return id === '' && address === '' ? undefined : { id, address, version };
}

function taskApiIn(options: TypedBytes | undefined): NewTask['taskApi'] {
  if (options === undefined || !options.typeUrl.endsWith(OptionsSchema.typeName)) return undefined;
  const { taskApiAddress: address, taskApiVersion: version } = unpackMessage(OptionsSchema, options);
  return address === '' ? undefined : { address, version };
}
