import { type CallOptions, type Descriptor, Fault } from '@stowage/core';
import { statusFault } from './status-fault.ts';
import type { Asked } from './upload.ts';

/**
 * Whether a repository has a blob.
 *
 * @throws Fault `failed_precondition` if it has other bytes under this digest; as requests fail, where the answer is
 *   neither yes nor no.
 */
export async function hasBlob(
  { api, access, subject }: Asked,
  url: URL,
  { size }: Descriptor,
  { signal }: CallOptions,
): Promise<boolean> {
  await using head = await api.ask(access, url, { subject, method: 'HEAD', signal });
  // Storage that the registry redirects to may know GET only. To send what is there does no harm.
  const isElsewhere = head.url.origin !== url.origin;
  if (head.status === 404 || head.status === 405 || (isElsewhere && head.status !== 200)) return false;
  if (head.status !== 200) throw await statusFault(subject, head);
  const length = head.headers['content-length'];
  if (length !== undefined && length !== String(size))
    throw new Fault(
      'failed_precondition',
      `${subject}: the registry has it with ${length.slice(0, 20)} bytes, not ${size}`,
    );
  return true;
}
