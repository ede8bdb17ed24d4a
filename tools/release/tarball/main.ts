// npm run tarball [-- --out DIR --with-node]: stowaged and stowage with all that they load, as one file to unpack.
import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { must } from '@stowage/testing';
import { pack, writeTree } from './tree.ts';

const ROOT = join(import.meta.dirname, '../../..');

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(ROOT, 'apps/daemon/dist') },
    'with-node': { type: 'boolean', default: false },
  },
});

const { version } = JSON.parse(await readFile(join(ROOT, 'apps/daemon/package.json'), 'utf8')) as {
  version: string;
};
const name = `stowaged-${version}-${process.platform}-${process.arch}`;
const out = resolve(values.out);
const file = join(out, `${name}.tar.gz`);
const room = await mkdtemp(join(tmpdir(), 'stowage-tarball-'));
try {
  await mkdir(out, { recursive: true });
  await writeTree(join(room, name), { withNode: values['with-node'] });
  const seconds = await must('git', ['-C', ROOT, 'log', '-1', '--format=%ct']);
  await pack(room, name, file, new Date(Number(seconds) * 1000));
} finally {
  await rm(room, { recursive: true });
}
const { size } = await stat(file);
console.log(`${file} (${(size / 1e6).toFixed(1)} MB)`);
