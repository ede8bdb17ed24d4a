import { lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type NpmRegistry, run } from '@stowage/testing';
import { type NodeVersion, withNode } from './nodes.ts';

export interface Installed {
  readonly dir: string;
  /** Names with versions of all that came, the package among them. */
  readonly packages: readonly string[];
  readonly sizeBytes: number;
}

/**
 * Installs packages into an empty folder, as a reader would, on the given Node: strictly, so that whatever comes has to
 * be made for it, and so that peers have to fit.
 *
 * @throws Error with what npm said.
 */
export async function install(
  dir: string,
  what: readonly string[],
  registry: NpmRegistry,
  node: NodeVersion,
): Promise<Installed> {
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, 'package.json'), '{ "private": true, "type": "module" }\n');
  // Of all that npm asks, only what concerns installing: it must not stop to ask, nor tell of its own news.
  const settings = [
    `@stowage:registry=${registry.url}`,
    ...['engine-strict=true', 'ignore-scripts=true', 'prefer-offline=true'],
    ...['audit=false', 'fund=false', 'update-notifier=false', 'yes=true'],
  ];
  await writeFile(join(dir, '.npmrc'), `${settings.join('\n')}\n`);
  await more(dir, what, node);
  return look(dir);
}

/** Adds packages to a folder that has some. */
export async function more(dir: string, what: readonly string[], node: NodeVersion): Promise<void> {
  if (what.length === 0) return;
  const result = await run('npm', ['install', ...what], {
    cwd: dir,
    env: withNode(node),
    timeoutMs: 300_000,
  });
  if (result.code !== 0) throw new Error(`npm install ${what.join(' ')}:\n${result.stderr}`);
}

async function look(dir: string): Promise<Installed> {
  const lock = JSON.parse(await readFile(join(dir, 'node_modules/.package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly version: string }>>;
  };
  const packages = Object.entries(lock.packages).map(
    ([path, { version }]) => `${path.slice(path.lastIndexOf('node_modules/') + 13)}@${version}`,
  );
  return { dir, packages, sizeBytes: await sizeOf(join(dir, 'node_modules')) };
}

async function sizeOf(dir: string): Promise<number> {
  let sum = 0;
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) sum += (await lstat(join(entry.parentPath, entry.name))).size;
  return sum;
}
