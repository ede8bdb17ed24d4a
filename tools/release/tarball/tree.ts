import { chmod, copyFile, cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must } from '@stowage/testing';
import { writeCommands } from './commands.ts';
import { copyPackages, NATIVES } from './natives.ts';

const ROOT = join(import.meta.dirname, '../../..');

export interface TreeOptions {
  /** Whether the Node that this checkout pins goes along. */
  readonly withNode: boolean;
}

/** Writes all that an installation has: commands, bundles, native addons, the unit, a config. */
export async function writeTree(tree: string, { withNode }: TreeOptions): Promise<void> {
  const at = async (...parts: readonly string[]) => {
    const path = join(tree, ...parts);
    await mkdir(path, { recursive: true });
    return path;
  };
  const lib = await at('lib/stowage');
  await cp(join(ROOT, 'apps/daemon/dist/bundle'), join(lib, 'daemon'), { recursive: true });
  await cp(join(ROOT, 'apps/cli/dist/bundle'), join(lib, 'cli'), { recursive: true });
  await copyFile(join(ROOT, 'packages/core/bin/launch.mjs'), join(lib, 'launch.mjs'));
  await writeFile(join(lib, 'package.json'), `${JSON.stringify({ type: 'module', private: true })}\n`);
  await copyPackages(NATIVES, join(ROOT, 'node_modules'), join(lib, 'node_modules'));
  await writeCommands(tree);
  if (withNode) {
    const name = `node-${process.platform}-${process.arch}`;
    await copyFile(join(ROOT, 'node_modules', name, 'bin/node'), join(await at('lib/stowage/bin'), 'node'));
    await chmod(join(lib, 'bin/node'), 0o755);
  }
  const units = await at('lib/systemd/system');
  await copyFile(join(ROOT, 'apps/daemon/stowaged.service'), join(units, 'stowaged.service'));
  const doc = await at('share/doc/stowage');
  await copyFile(join(ROOT, 'LICENSE'), join(doc, 'LICENSE'));
  await copyFile(join(ROOT, 'apps/daemon/README.md'), join(doc, 'README.md'));
  const config = await must(process.execPath, [join(lib, 'daemon/stowaged.js'), 'config', 'default']);
  await writeFile(join(doc, 'config.toml'), config);
}

/** Packs a tree as a gzipped tar: owned by root, in one order, with one time, so that the same tree is the same file. */
export async function pack(directory: string, name: string, file: string, at: Date): Promise<void> {
  const fixed = ['--owner=0', '--group=0', '--numeric-owner', '--sort=name', '--mode=u+rwX,go+rX,go-w'];
  const time = `--mtime=@${Math.floor(at.getTime() / 1000)}`;
  await must('tar', ['--use-compress-program=gzip -n', ...fixed, time, '-cf', file, '-C', directory, name], {
    timeoutMs: 300_000,
  });
}
