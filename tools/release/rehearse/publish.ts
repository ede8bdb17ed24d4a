import { must, type NpmRegistry } from '@stowage/testing';
import { ROOT } from './packages.ts';

export interface Published {
  readonly name: string;
  readonly version: string;
  /** Of the tarball. */
  readonly size: number;
}

/** Publishes packages of a checkout by `npm publish`, as a release does, to a registry on this machine. */
export async function publish(
  registry: NpmRegistry,
  names: readonly string[],
  root = ROOT,
): Promise<ReadonlyMap<string, Published>> {
  const which = names.flatMap((name) => ['--workspace', name]);
  const told = await must('npm', ['publish', '--json', ...registry.publishFlags, ...which], {
    cwd: root,
    env: registry.env,
    timeoutMs: 600_000,
  });
  const all = new Map<string, Published>();
  // One document for each, by its name; after one another.
  for (const text of told.split(/^(?=\{$)/m)) {
    const entries = Object.entries(JSON.parse(text) as Record<string, Published>);
    for (const [name, { version, size }] of entries) all.set(name, { name, version, size });
  }
  const missing = names.filter((name) => !all.has(name) || registry.versions(name).length === 0);
  if (missing.length > 0) throw new Error(`npm published nothing of ${missing.join(', ')}`);
  return all;
}
