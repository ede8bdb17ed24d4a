import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { listXattrs } from '@stowage/linux';

/** A tree beside the one that is unpacked, for hostile archives to aim at. */
export async function makeCanary(path: string): Promise<void> {
  await mkdir(join(path, 'etc/deep'), { recursive: true });
  await writeFile(join(path, 'etc/passwd'), 'host');
  await chmod(join(path, 'etc/passwd'), 0o400);
  await writeFile(join(path, 'etc/deep/file'), 'deep');
  await symlink('passwd', join(path, 'etc/link'));
}

/** Everything a tree is: names, types, modes, owners, times, attributes, content. */
export async function fingerprint(root: string, skip: readonly string[] = []): Promise<string> {
  const hash = createHash('sha256');
  // Without file types, readdir would go through links to directories, round and round.
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const names = entries.map((entry) => relative(root, join(entry.parentPath, entry.name)));
  for (const name of [...names, '.'].sort()) {
    if (skip.some((prefix) => name === prefix || name.startsWith(`${prefix}/`))) continue;
    const path = join(root, name);
    const s = await lstat(path, { bigint: true });
    const content = s.isSymbolicLink()
      ? await readlink(path)
      : s.isFile()
        ? await readFile(path, 'latin1')
        : '';
    const times = name === '.' ? '' : `${s.mtimeNs} ${s.ctimeNs}`;
    hash.update(
      JSON.stringify([name, `${s.mode} ${s.uid} ${s.gid} ${s.nlink} ${times}`, listXattrs(path), content]),
    );
  }
  return hash.digest('hex');
}
