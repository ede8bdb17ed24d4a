import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type RunResult, run, tempDir } from '@stowage/testing';
import { composeSpec, type SpecOption, withArgs } from '../src/index.ts';

export interface Surroundings {
  /** Changes the root file system before it runs. */
  readonly prepare?: ((rootfs: string) => Promise<void>) | undefined;
  /** The program, instead of a script. */
  readonly args?: readonly string[] | undefined;
}

/** Runs a shell script in a real container of the static busybox; `$B` is busybox. */
export function inContainer(script: string, ...options: readonly SpecOption[]): Promise<RunResult> {
  return inContainerOf({}, script, ...options);
}

export async function inContainerOf(
  { prepare, args = [] }: Surroundings,
  script: string,
  ...options: readonly SpecOption[]
): Promise<RunResult> {
  await using bundle = await tempDir('runc');
  const id = `oci-spec-${process.pid}-${Math.random().toString(36).slice(2)}`;
  const root = join(bundle.path, 'root');
  const rootfs = join(bundle.path, 'rootfs');
  await mkdir(join(rootfs, 'bin'), { recursive: true });
  // Who is root in a user namespace goes through it as nobody.
  for (const path of [bundle.path, rootfs]) await chmod(path, 0o755);
  await copyFile('/bin/busybox', join(rootfs, 'bin/busybox'));
  await prepare?.(rootfs);
  const program =
    args.length > 0 ? args : ['/bin/busybox', 'sh', '-c', script.replaceAll('$B', '/bin/busybox')];
  const spec = await composeSpec({ namespace: 'stowage-test', id }, withArgs(...program), ...options);
  await writeFile(join(bundle.path, 'config.json'), JSON.stringify(spec));
  try {
    return await run('runc', ['--root', root, 'run', '--bundle', bundle.path, id]);
  } finally {
    await run('runc', ['--root', root, 'delete', '--force', id]);
  }
}
