import type { CallOptions } from '@stowage/core';
import type { Api } from './api.ts';
import { statusFault } from './status-fault.ts';

/**
 * Whether a registry is there, speaks the API, and lets in whoever asks.
 *
 * @throws Fault `unauthenticated` if it wants other credentials; `not_found` if this is no registry.
 * @see distribution-spec, "Determining Support"
 */
export async function checkRegistry(
  api: Api,
  subject: string,
  host: string,
  { signal }: CallOptions,
): Promise<void> {
  await using response = await api.call({
    subject,
    method: 'GET',
    host,
    needs: 'push',
    path: '',
    scopes: [],
    signal,
  });
  if (response.status !== 200) throw await statusFault(subject, response);
}
