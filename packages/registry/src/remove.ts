import { type CallOptions, type Digest, Fault } from '@stowage/core';
import { changing } from './access.ts';
import type { Api } from './api.ts';
import { apiUrl } from './endpoint.ts';
import type { Reference } from './reference.ts';
import { statusFault } from './status-fault.ts';

/**
 * Deletes what a name stands for: a manifest by its digest, with all its tags, or one tag by its name. Content that nothing
 * names any more goes when the registry collects it.
 *
 * @throws Fault `unimplemented` if the registry does not allow it, as many do not, above all for tags.
 * @see distribution-spec, "Deleting Manifests", "Deleting tags"
 */
export async function removeManifest(api: Api, reference: Reference, { signal }: CallOptions): Promise<void> {
  const { name, tag, digest } = reference;
  const at = digest ?? tag;
  if (at === undefined) throw new Fault('invalid_argument', `delete ${name}: it has neither tag nor digest`);
  await remove(api, reference, `delete ${name}`, `manifests/${at}`, signal);
}

/** @throws Fault as {@link removeManifest}. */
export async function removeBlob(
  api: Api,
  reference: Reference,
  digest: Digest,
  { signal }: CallOptions,
): Promise<void> {
  const subject = `delete blob ${digest} of ${reference.host}/${reference.repository}`;
  await remove(api, reference, subject, `blobs/${digest}`, signal);
}

async function remove(
  api: Api,
  reference: Reference,
  subject: string,
  path: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const endpoint = await api.pushEndpoint(subject, reference.host);
  const access = { endpoint, scopes: changing(reference, ['delete', 'pull']).scopes };
  const url = apiUrl(endpoint, `${reference.repository}/${path}`);
  // Once more, it would not be found.
  const once = { subject, method: 'DELETE' as const, signal, isRepeatable: false };
  await using response = await api.ask(access, url, once);
  if (response.status === 202 || response.status === 200 || response.status === 204) return;
  const fault = await statusFault(subject, response);
  // How registries say that they delete no tags.
  throw response.status === 400 ? new Fault('unimplemented', fault.message, { cause: fault }) : fault;
}
