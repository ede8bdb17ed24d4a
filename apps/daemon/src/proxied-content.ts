import type { Transport } from '@connectrpc/connect';
import type { ContentStore, NamespaceAware } from '@stowage/content';
import { remoteContent } from '@stowage/content/remote';
import { namespaceOf } from './proxied-snapshotter.ts';

/**
 * A content store in another process, as the metadata calls it: by refs that read `<namespace>/<number>/<ref>`. It is told
 * the caller's namespace as header. A garbage collection calls in nobody's name, as containerd's does: lists and
 * deletions come without, and of ingests the one that their ref begins with.
 */
export function proxiedContent(transport: Transport): ContentStore & NamespaceAware {
  const all = remoteContent(transport);
  const forNamespace = (namespace: string) => remoteContent(transport, { namespace });
  const of = (ref: string) => forNamespace(namespaceOf(ref));
  return {
    ...all,
    status: (ref, options) => of(ref).status(ref, options),
    writer: (options) => of(options.ref).writer(options),
    abort: (ref, options) => of(ref).abort(ref, options),
    forNamespace,
  };
}
