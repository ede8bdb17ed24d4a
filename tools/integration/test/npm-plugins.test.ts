import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { Daemon, must, mustCtr, prepareDirs, run } from '@stowage/testing';
import { withTempDir } from '../suite.ts';

// Plugins as they come to a machine: packed and installed by npm, and named in the config.

const suite = withTempDir('npm-plugins');
const STOWAGED = join(import.meta.dirname, '../../../apps/daemon/bin/stowaged.mjs');
const NPM = {
  npm_config_offline: 'true',
  npm_config_audit: 'false',
  npm_config_fund: 'false',
  npm_config_update_notifier: 'false',
};

const dependency = (version: string) => `export const describe = () => 'dependency ${version}';`;

/** A snapshotter that can nothing but be there, and whose export says what it was made of. */
const snapshotter = (more = '') => `
import { describe } from '@example/dependency';
export const plugins = [{
  slot: { type: 'io.containerd.snapshotter.v1', api: 1 },
  id: 'packed',
  config: (table) => table,
  start: ({ exports }) => {
    exports.set('root', '/srv');
    exports.set('made-of', describe());
    return {};
  },
  ${more}
}];
`;

const plugin = (fields: string, before = '') =>
  `${before}\nexport const plugins = [{ slot: { type: 'io.containerd.snapshotter.v1', api: 1 }, id: 'packed', start: () => ({}), ${fields} }];`;

/** Writes a package as its author has it, and packs it. @returns the tarball. */
async function pack(name: string, version: string, main: string, manifest: object = {}): Promise<string> {
  const dir = join(suite.dir, 'sources', `${name.replace('/', '-')}-${version}`);
  await mkdir(join(dir, 'lib'), { recursive: true });
  const about = { name, version, type: 'module', exports: './lib/index.js', files: ['lib'], ...manifest };
  await writeFile(join(dir, 'package.json'), JSON.stringify(about));
  await writeFile(join(dir, 'lib/index.js'), main);
  await writeFile(join(dir, 'left-out.js'), 'throw new Error("this is in no package");');
  const packed = await must('npm', ['pack', '--json', '--pack-destination', suite.dir], {
    cwd: dir,
    env: NPM,
  });
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  return join(suite.dir, filename);
}

const install = (prefix: string, tarballs: readonly string[]) =>
  must('npm', ['install', '--prefix', prefix, ...tarballs], { env: NPM });

async function config(name: string, text: string): Promise<string> {
  const file = join(suite.dir, `${name}.toml`);
  await writeFile(file, `version = 3\n${text}`);
  return file;
}

const uses = { dependencies: { '@example/dependency': '*' } };
let first: readonly string[];
beforeAll(async () => {
  first = [
    await pack('@example/dependency', '1.0.0', dependency('1.0.0')),
    await pack('@example/packed-snapshotter', '1.0.0', snapshotter(), uses),
  ];
}, 60_000);

test('what npm installed below the root is loaded by its name, with what it depends on', async () => {
  const dir = join(suite.dir, 'd');
  await prepareDirs(dir);
  const prefix = join(dir, 'root/plugins');
  await install(prefix, first);
  const file = await config('packed', "packages = ['@example/packed-snapshotter']\n");
  await using daemon = await Daemon.start({ dir, config: file });
  const detail = () => mustCtr(daemon.address, ['plugins', 'ls', '-d', 'id==packed']);
  expect(await mustCtr(daemon.address, ['plugins', 'ls'])).toMatch(/snapshotter\.v1\s+packed\s+\S+\s+ok/);
  expect(await detail()).toMatch(/made-of\s+dependency 1\.0\.0/);

  // A later one is there after a restart, and one that npm removed is missed by its name.
  const later = [
    await pack('@example/dependency', '2.0.0', dependency('2.0.0')),
    await pack('@example/packed-snapshotter', '2.0.0', snapshotter("capabilities: ['of-two'],"), uses),
  ];
  await install(prefix, later);
  await daemon.stop();
  await daemon.start();
  expect(await detail()).toMatch(/of-two/);
  expect(await detail()).toMatch(/made-of\s+dependency 2\.0\.0/);

  await must('npm', ['uninstall', '--prefix', prefix, '@example/packed-snapshotter'], { env: NPM });
  await daemon.stop();
  await expect(daemon.start()).rejects.toThrow(
    `is not in ${join(prefix, 'node_modules')}; install it with: npm install --prefix ${prefix} @example/packed-snapshotter`,
  );
}, 120_000);

test.each([
  [
    'of another api',
    plugin("slot: { type: 'io.containerd.snapshotter.v1', api: 2 }"),
    /needs version 1 of io\.containerd\.snapshotter\.v1, io\.containerd\.snapshotter\.v1\.packed offers version 2/,
  ],
  [
    'that throws when it is loaded',
    plugin('', "throw new Error('no such machine');"),
    /package "@example\/refused" of the config: cannot be loaded from \S+lib\/index\.js: no such machine/,
  ],
  [
    'that rejects when it is loaded',
    plugin('', "await Promise.reject(new Error('no such network'));"),
    /package "@example\/refused" of the config: cannot be loaded from \S+lib\/index\.js: no such network/,
  ],
  [
    'without what it depends on',
    plugin('', "import '@example/forgotten';"),
    /package "@example\/refused" of the config: cannot be loaded.*@example\/forgotten/,
  ],
  [
    'without a list of plugins',
    'export default [];',
    /package "@example\/refused" of the config: \S+lib\/index\.js exports no list of plugins/,
  ],
] as const)(
  'a package %s: no start, and the message says why',
  async (what, main, message) => {
    const dir = join(suite.dir, what.replaceAll(' ', '-'));
    await mkdir(dir);
    await install(join(dir, 'plugins'), [await pack('@example/refused', '1.0.0', main)]);
    const text = `packages = ['@example/refused']\nplugin_dir = '${join(dir, 'plugins/node_modules')}'\n`;
    const file = await config(what.replaceAll(' ', '-'), text);
    const flags = ['--root', join(dir, 'root'), '--state', join(dir, 'state'), '--config', file];
    for (const command of [[], ['config', 'check']]) {
      const result = await run(process.execPath, [STOWAGED, ...flags, ...command]);
      expect(result.code).toBe(1);
      expect(result.stderr).toMatch(message);
    }
  },
  60_000,
);

test('a plugin that fails to start is told of, and stops the daemon only if it is required', async () => {
  const dir = join(suite.dir, 'fails');
  await mkdir(dir);
  const main = plugin("start: () => Promise.reject(new Error('the disk is elsewhere'))");
  await install(join(dir, 'plugins'), [await pack('@example/fails', '1.0.0', main)]);
  const text = `packages = ['@example/fails']\nplugin_dir = '${join(dir, 'plugins/node_modules')}'\n`;
  const file = await config('fails', text);
  {
    await using daemon = await Daemon.start({ dir, config: file });
    const listed = await mustCtr(daemon.address, ['plugins', 'ls', '-d', 'id==packed']);
    expect(listed).toMatch(/the disk is elsewhere/);
    expect(daemon.log.join('\n')).toContain('the disk is elsewhere');
    await mustCtr(daemon.address, ['snapshots', 'ls']);
  }
  const required = await config(
    'fails-required',
    `${text}required_plugins = ['io.containerd.snapshotter.v1.packed']\n`,
  );
  const flags = ['--root', join(dir, 'root'), '--state', join(dir, 'state'), '--config', required];
  const result = await run(process.execPath, [STOWAGED, ...flags]);
  expect(result.code).toBe(1);
  expect(result.stderr).toMatch(/io\.containerd\.snapshotter\.v1\.packed.*the disk is elsewhere/);
}, 60_000);
