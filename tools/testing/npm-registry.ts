import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type NpmRegistry, type PublishedManifest, startNpmServer } from './npm-server.ts';
import { must } from './process.ts';

const ROOT = join(import.meta.dirname, '../..');

interface Packed {
  readonly name: string;
  readonly filename: string;
}

/**
 * Packs packages of the checkout as they would be published, with all of ours that they need, and serves them as npm's
 * registry does. They must have been built.
 *
 * @param dir - for the tarballs.
 */
export async function startNpmRegistry(dir: string, wanted: readonly string[]): Promise<NpmRegistry> {
  const manifests = await closure(wanted);
  await mkdir(dir, { recursive: true });
  const workspaces = [...manifests.keys()].flatMap((name) => ['--workspace', name]);
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', dir, ...workspaces];
  const packed = JSON.parse(await must('npm', pack, { cwd: ROOT, timeoutMs: 300_000 })) as Packed[];
  const registry = await startNpmServer();
  for (const { name, filename } of packed) {
    const manifest = manifests.get(name);
    if (manifest !== undefined) registry.add(manifest, await readFile(join(dir, filename)));
  }
  return registry;
}

/** Ours among what packages need, and what those need. */
async function closure(wanted: readonly string[]): Promise<Map<string, PublishedManifest>> {
  const all = new Map<string, PublishedManifest>();
  for (const base of ['packages', 'apps']) {
    for (const name of await readdir(join(ROOT, base))) {
      const text = await readFile(join(ROOT, base, name, 'package.json'), 'utf8').catch(() => undefined);
      const manifest = text === undefined ? undefined : (JSON.parse(text) as PublishedManifest);
      if (manifest !== undefined) all.set(manifest.name, manifest);
    }
  }
  const needed = new Map<string, PublishedManifest>();
  const add = (name: string) => {
    const manifest = all.get(name);
    if (manifest === undefined || needed.has(name)) return;
    needed.set(name, manifest);
    const { dependencies, optionalDependencies, peerDependencies } = manifest;
    for (const other of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }))
      add(other);
  };
  for (const name of wanted) add(name);
  return needed;
}
