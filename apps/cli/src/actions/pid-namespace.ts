import type { Client } from '@stowage/client';
import { Fault, quote } from '@stowage/core';
import { type SpecOption, withHostNamespace, withNamespace } from '@stowage/oci-spec';

/** `--pid host`, or `container:ID`. @throws Fault `failed_precondition` if that container does not run. */
export async function pidNamespaceOptions(client: Client, whose: string | undefined): Promise<SpecOption[]> {
  if (whose === undefined) return [];
  if (whose === 'host') return [withHostNamespace('pid')];
  const [, id] = /^container:(.+)$/.exec(whose) ?? [];
  if (id === undefined)
    throw new Fault('invalid_argument', `--pid ${quote(whose)}: host and container:ID are known`);
  const { pid, status } = await client.services.tasks.get({ containerId: id });
  if (status !== 'running' || pid === 0)
    throw new Fault('failed_precondition', `--pid ${whose}: that container is ${status}; it must run`);
  return [withNamespace('pid', `/proc/${pid}/ns/pid`)];
}
