import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, Fault, quote, reasonOf, Skip } from '@stowage/core';
import { fsType, statfsType } from '@stowage/linux';
import { probeMount } from '@stowage/linux/probe-mount';

/** Options that every overlay here is mounted with, in containerd's order (plugins/snapshots/overlay NewSnapshotter). */
export async function kernelOptions(asked: readonly string[]): Promise<string[]> {
  const has = (name: string) => asked.some((option) => option === name || option.startsWith(`${name}=`));
  const options = [...asked];
  // In a user namespace overlayfs may not write trusted.* attributes (kernel 5.11).
  if (!has('userxattr') && (await inUserNamespace())) options.push('userxattr');
  // With an index, one layer could not be in several mounts at once.
  if (!has('index') && (await exists('/sys/module/overlay/parameters/index'))) options.push('index=off');
  return options;
}

/**
 * Mounts an overlay below `root`, where nobody sees it, once per boot.
 *
 * @throws Skip saying what is in the way.
 */
export async function checkOverlay(root: string, options: readonly string[]): Promise<void> {
  if (/[,:\\]/.test(root)) {
    throw new Fault('invalid_argument', `root ${quote(root)}: overlayfs takes no path with , : or \\`);
  }
  const fact = JSON.stringify({ boot: await bootId(), dev: (await stat(root)).dev, options });
  const noted = join(root, 'probed.json');
  if ((await readFile(noted, 'utf8').catch(() => undefined)) === fact) return;
  const dir = await mkdtemp(join(root, 'probe-'));
  try {
    for (const name of ['lower1', 'lower2', 'upper', 'work', 'merged']) await mkdir(join(dir, name));
    await writeFile(join(dir, 'lower1', 'one'), '');
    await writeFile(join(dir, 'lower2', 'two'), '');
    const layers = [
      `workdir=${dir}/work`,
      `upperdir=${dir}/upper`,
      `lowerdir=${dir}/lower1:${dir}/lower2`,
      ...options,
    ];
    const mount = { type: 'overlay', source: 'overlay', options: layers };
    const names = await probeMount([mount], join(dir, 'merged'));
    if (names.sort().join() !== 'one,two')
      throw new Skip(`overlayfs at ${root} shows ${names.join() || 'nothing'}`);
  } catch (e) {
    throw Skip.is(e) ? e : new Skip(`overlayfs does not work at ${root}: ${why(e, root)}`, { cause: e });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
  await writeFile(noted, fact, { mode: 0o600 });
}

function why(e: unknown, root: string): string {
  switch (errnoOf(e)) {
    case 'ENODEV':
      return 'the kernel has no overlay file system; load it (modprobe overlay) or use the native snapshotter';
    case 'EPERM':
    case 'EACCES':
      return 'mounting is not allowed; run as root with CAP_SYS_ADMIN';
    case 'EINVAL': {
      const type = statfsType(root);
      const name =
        Object.entries(fsType).find(([, number]) => number === type)?.[0] ?? `0x${type.toString(16)}`;
      return `the file system there (${name}) can't hold upper directories; choose another root_path or the native snapshotter (${reasonOf(e)})`;
    }
    default:
      return reasonOf(e);
  }
}

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}

async function inUserNamespace(): Promise<boolean> {
  const [inside, outside, count] = (await readFile('/proc/self/uid_map', 'utf8')).trim().split(/\s+/);
  return inside !== '0' || outside !== '0' || count !== '4294967295';
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
