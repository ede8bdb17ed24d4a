import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CertificateFiles } from './hosts-toml.ts';

/** `*.crt` are authorities; `*.cert` are client certificates, each with its `*.key` or with the key in it. */
export async function certificateFiles(directory: string): Promise<CertificateFiles> {
  const names = (await readdir(directory, { withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map(({ name }) => name)
    .sort();
  const client = names
    .filter((name) => name.endsWith('.cert'))
    .map((name): readonly [string, string?] => {
      const key = name.replace(/\.cert$/, '.key');
      return names.includes(key) ? [join(directory, name), join(directory, key)] : [join(directory, name)];
    });
  return { ca: names.filter((name) => name.endsWith('.crt')).map((name) => join(directory, name)), client };
}
