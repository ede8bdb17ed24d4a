import type { Client } from '@stowage/client';
import { type BlobCheck, verifyByReading } from '@stowage/content';
import { type CallOptions, type Digest, Fault, parseDigest } from '@stowage/core';
import type { Command } from 'commander';
import type { VerifyFlags } from '../commands/content.ts';
import { open } from '../connection.ts';
import type { GlobalOptions } from '../global-options.ts';
import { interruptible } from '../interrupt.ts';
import { type VerifyView, verifyView } from '../progress.ts';
import { formatSize, table } from '../table.ts';

/** Named in one request: far below the longest message. */
const AT_ONCE = 1000;

interface Blob {
  readonly digest: Digest;
  readonly sizeBytes: bigint;
  /** All that have it, in the order of the namespaces. */
  readonly namespaces: string[];
}

/** @returns the exit code: 1 if anything is not whole. */
export async function verifyContent(
  command: Command,
  texts: readonly string[],
  { allNamespaces, quiet }: VerifyFlags,
): Promise<number> {
  const named = [...new Set(texts.map(parseDigest))];
  const { namespace } = command.optsWithGlobals<GlobalOptions>();
  await using client = open(command);
  using interrupt = interruptible();
  const options = { signal: interrupt.signal };
  const namespaces: string[] = [];
  if (allNamespaces)
    for await (const { name } of client.services.namespaces.list(options)) namespaces.push(name);
  else namespaces.push(namespace);
  const blobs = await blobsOf(command, namespaces, named, options);
  const bad: Array<{ readonly blob: Blob; readonly check: BlobCheck }> = [];
  const totalBytes = [...blobs.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0n);
  let [count, bytes] = [0, 0n];
  {
    using view = verifyView(process.stderr, { blobs: blobs.size, bytes: totalBytes }, quiet);
    for (const one of namespaces) {
      // A blob that several have has the same bytes for all.
      const own = [...blobs.values()]
        .filter((blob) => blob.namespaces[0] === one)
        .map(({ digest }) => digest);
      if (own.length === 0) continue;
      await using scoped = open(command, one);
      for await (const check of verified(scoped, own, view, options)) {
        count++;
        bytes += check.checkedBytes;
        const blob = blobs.get(check.digest);
        if (check.state !== 'whole' && blob !== undefined) bad.push({ blob, check });
      }
    }
  }
  const all = `${count} ${count === 1 ? 'blob' : 'blobs'}, ${formatSize(bytes)}`;
  if (bad.length === 0) {
    process.stdout.write(`${all}: whole\n`);
    return 0;
  }
  const rows = bad.map(({ blob, check: { digest, sizeBytes, state, reason } }) => {
    return [digest, formatSize(sizeBytes), state, blob.namespaces.join(','), reason];
  });
  process.stdout.write(table(['DIGEST', 'SIZE', 'STATE', 'NAMESPACES', 'REASON'], rows));
  process.stderr.write(`stowage: ${all}: ${bad.length} not whole\nPull their images again to repair them.\n`);
  return 1;
}

async function blobsOf(
  command: Command,
  namespaces: readonly string[],
  named: readonly Digest[],
  options: CallOptions,
): Promise<ReadonlyMap<Digest, Blob>> {
  const blobs = new Map<Digest, Blob>();
  const filters = named.map((digest) => `digest==${digest}`);
  for (const namespace of namespaces) {
    await using client = open(command, namespace);
    for await (const { digest, sizeBytes } of client.services.content.list(filters, options)) {
      const known = blobs.get(digest);
      if (known === undefined) blobs.set(digest, { digest, sizeBytes, namespaces: [namespace] });
      else known.namespaces.push(namespace);
    }
  }
  const unknown = named.find((digest) => !blobs.has(digest));
  if (unknown !== undefined) throw new Fault('not_found', `content ${unknown}: not found`);
  return blobs;
}

/** The verdicts; how far it is goes to the view. What is deleted meanwhile is left out. */
async function* verified(
  client: Client,
  digests: readonly Digest[],
  view: VerifyView,
  options: CallOptions,
): AsyncGenerator<BlobCheck> {
  const { content, verifier } = client.services;
  let verify = verifier.verify.bind(verifier);
  for (let at = 0; at < digests.length; ) {
    const batch = digests.slice(at, at + AT_ONCE);
    try {
      for await (const check of verify(batch, options)) {
        view.update(check);
        if (check.state === 'running') continue;
        at = digests.indexOf(check.digest, at) + 1;
        yield check;
      }
      at = digests.indexOf(batch.at(-1) as Digest) + 1;
    } catch (e) {
      if (Fault.is(e, 'unimplemented')) verify = (batch, options) => verifyByReading(content, batch, options);
      else if (Fault.is(e, 'not_found')) at++;
      else throw e;
    }
  }
}
