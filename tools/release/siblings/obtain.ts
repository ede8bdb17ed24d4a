import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { must, type NpmRegistry, type PublishedManifest } from '@stowage/testing';

/**
 * Has a registry hold a version that was released before, as npm has it.
 *
 * @param from - environment for npm, with which it finds where that is released.
 */
export async function obtain(
  registry: NpmRegistry,
  name: string,
  version: string,
  from: Readonly<Record<string, string>> = {},
): Promise<void> {
  if (registry.versions(name).includes(version)) return;
  const dir = await mkdtemp(join(tmpdir(), 'stowage-released-'));
  try {
    const pack = ['pack', '--json', '--pack-destination', dir, `${name}@${version}`];
    const told = await must('npm', pack, { cwd: dir, env: from, timeoutMs: 120_000 });
    const [{ filename }] = JSON.parse(told) as [{ readonly filename: string }];
    const file = join(dir, filename);
    const manifest = await must('tar', ['-xzOf', file, 'package/package.json']);
    registry.add(JSON.parse(manifest) as PublishedManifest, await readFile(file));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
