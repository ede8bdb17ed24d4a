import type { Transport } from '@connectrpc/connect';
import type { ContentStore, ContentWriter, NamespaceAware, WriterOptions } from '@stowage/content';
import { remoteContent } from '@stowage/content/remote';
import { LABEL } from '@stowage/core';
import { namespaceOf } from './proxied-snapshotter.ts';

/**
 * A content store in another process, as the metadata calls it: by refs that read `<namespace>/<number>/<ref>`. It is told
 * the caller's namespace as header. What a garbage collection deletes, it deletes in the name of who had it last (unlike
 * containerd's, which names nobody), so that a store that keeps namespaces apart can. What it lists is for nobody.
 *
 * Blobs are committed with the label `containerd.io/gc.root`: a store that collects garbage of its own, such as
 * containerd's, would not know what keeps them.
 */
export function proxiedContent(transport: Transport): ContentStore & NamespaceAware {
  const inNameOf = (namespace: string): ContentStore => {
    const remote = remoteContent(transport, { namespace });
    return { ...remote, writer: async (options: WriterOptions) => rooting(await remote.writer(options)) };
  };
  const of = (ref: string) => inNameOf(namespaceOf(ref));
  return {
    ...inNameOf(''),
    status: (ref, options) => of(ref).status(ref, options),
    writer: (options) => of(options.ref).writer(options),
    abort: (ref, options) => of(ref).abort(ref, options),
    forNamespace: inNameOf,
  };
}

function rooting(writer: ContentWriter): ContentWriter {
  return {
    ref: writer.ref,
    status: (options) => writer.status(options),
    write: (bytes, options) => writer.write(bytes, options),
    truncate: (offset, options) => writer.truncate(offset, options),
    commit: (options) =>
      writer.commit({ ...options, labels: { ...options?.labels, [LABEL.gcRoot]: new Date().toISOString() } }),
    [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
  };
}
