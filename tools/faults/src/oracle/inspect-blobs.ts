import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, Digester, Fault, reasonOf, unlessAbsent } from '@stowage/core';
import type { Key } from '../model/keys.ts';
import type { Blob, Thing } from '../model/thing.ts';
import type { Services } from '../services.ts';
import type { Violation } from './violation.ts';

/** Reads every blob through the daemon and hashes it. */
export async function inspectBlobs(
  services: (namespace: string) => Services,
  found: ReadonlyMap<Key, Thing>,
): Promise<Violation[]> {
  const blobs = [...found.values()].filter((thing): thing is Blob => thing.kind === 'blob');
  const violations: Violation[] = [];
  for (const { namespace, digest, sizeBytes } of blobs) {
    const digester = new Digester();
    const at = `blob ${namespace} ${digest}`;
    try {
      for await (const chunk of services(namespace).content.read(digest as Digest)) digester.update(chunk);
    } catch (e) {
      const rule = Fault.is(e, 'data_loss') ? 'torn' : 'dangling';
      violations.push({ rule, message: `${at}: can't be read: ${reasonOf(e)}` });
      continue;
    }
    if (digester.digest() === digest && digester.sizeBytes === BigInt(sizeBytes)) continue;
    const got = `${digester.sizeBytes} bytes that hash to ${digester.digest()}`;
    violations.push({ rule: 'torn', message: `${at}: is ${sizeBytes} bytes, read gave ${got}` });
  }
  return violations;
}

/** What is on disk of content that no record names: blobs, and ingests. */
export async function contentLeaks(root: string, found: ReadonlyMap<Key, Thing>): Promise<string[]> {
  const store = join(root, 'io.containerd.content.v1.content');
  const things = [...found.values()];
  const named = new Set(things.flatMap((thing) => (thing.kind === 'blob' ? [thing.digest] : [])));
  const ingests = things.filter(({ kind }) => kind === 'ingest').length;
  const blobs = await list(join(store, 'blobs', 'sha256'));
  const extra = blobs
    .filter((hex) => !named.has(`sha256:${hex}`))
    .map((hex) => `bytes of blob sha256:${hex}`);
  const begun = await list(join(store, 'ingest'));
  // Their names are hashes of refs that only the daemon knows, so they can only be counted.
  if (begun.length > ingests)
    extra.push(`${begun.length} ingests on disk, ${ingests} told: ${begun.join(' ')}`);
  return extra;
}

async function list(path: string): Promise<string[]> {
  return (await unlessAbsent(readdir(path))) ?? [];
}
