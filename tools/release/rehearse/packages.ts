import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PublishedManifest } from '@stowage/testing';

export const ROOT = join(import.meta.dirname, '../../..');

export interface Manifest extends PublishedManifest {
  readonly private?: boolean;
  readonly os?: readonly string[];
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

/** A package as it lies in the checkout, or in a copy of it. */
export interface Package {
  /** Its folder, from the root. */
  readonly place: string;
  readonly manifest: Manifest;
}

/** All that would be published, by name. */
export async function publicPackages(root = ROOT): Promise<ReadonlyMap<string, Package>> {
  const found = new Map<string, Package>();
  for (const base of ['packages', 'apps']) {
    for (const name of (await readdir(join(root, base))).sort()) {
      const place = `${base}/${name}`;
      const manifest = JSON.parse(await readFile(join(root, place, 'package.json'), 'utf8')) as Manifest;
      if (manifest.private !== true) found.set(manifest.name, { place, manifest });
    }
  }
  return found;
}
