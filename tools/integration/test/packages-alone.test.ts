import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { must, type NpmRegistry, startNpmRegistry, startNpmServer } from '@stowage/testing';
import { type Installed, install } from '../../release/rehearse/install.ts';
import { pinnedNode } from '../../release/rehearse/nodes.ts';
import { type Package, publicPackages } from '../../release/rehearse/packages.ts';
import { tryOut } from '../../release/siblings/matrix.ts';
import { obtain } from '../../release/siblings/obtain.ts';
import { entriesOf } from '../../release/siblings/smoke.ts';
import { withTempDir } from '../suite.ts';

// What is promised of packages as npm installs them, from tarballs.

const suite = withTempDir('packages-alone');
const LONG_MS = 300_000;
const PURE = ['core', 'api', 'rpc', 'content-store', 'registry', 'oci-image', 'oci-spec', 'client'];

let npm: NpmRegistry;
let packages: ReadonlyMap<string, Package>;
beforeAll(async () => {
  packages = await publicPackages();
  npm = await startNpmRegistry(join(suite.dir, 'packed'), [...packages.keys()]);
}, LONG_MS);
// Before the census.
suite.before(async () => npm?.[Symbol.asyncDispose]());

async function installed(name: string, ...more: readonly string[]): Promise<Installed> {
  return install(join(suite.dir, name.replace('/', '-')), [name, ...more], npm, await pinnedNode());
}

test(
  'a content store brings nothing of RPC',
  async () => {
    const names = (await installed('@stowage/content-store')).packages.map((spec) =>
      spec.replace(/@[^@]+$/, ''),
    );
    expect(names).toContain('@stowage/content');
    expect(names.filter((name) => /^@(connectrpc|bufbuild)\/|^@stowage\/(api|rpc)$/.test(name))).toEqual([]);
  },
  LONG_MS,
);

test.each(PURE)(
  '%s loads where koffi is not',
  async (short) => {
    const name = `@stowage/${short}`;
    const one = packages.get(name);
    if (one === undefined) throw new Error(`there is no ${name}`);
    const { dir } = await installed(name);
    await rm(join(dir, 'node_modules/koffi'), { recursive: true, force: true });
    await rm(join(dir, 'node_modules/@koromix'), { recursive: true, force: true });
    const entries = entriesOf(one);
    expect(entries).toContain(name === '@stowage/api' ? '@stowage/api/types' : name);
    const program = `${entries.map((path) => `await import('${path}');`).join('\n')}\nconsole.log('loaded');`;
    expect(await must(process.execPath, ['--input-type=module', '-e', program], { cwd: dir })).toBe(
      'loaded\n',
    );
  },
  LONG_MS,
);

test(
  'what comes with the daemon and the command runs nothing of its own when it is installed',
  async () => {
    const { dir } = await installed('@stowage/daemon', '@stowage/cli');
    const scripts: string[] = [];
    for (const path of await readdir(join(dir, 'node_modules'), { recursive: true })) {
      if (!/(?:^|node_modules\/)(?:@[^/]+\/)?[^/@]+\/package\.json$/.test(path)) continue;
      const text = await readFile(join(dir, 'node_modules', path), 'utf8');
      const { name, scripts: own = {} } = JSON.parse(text) as {
        name: string;
        scripts?: Record<string, string>;
      };
      for (const when of ['preinstall', 'install', 'postinstall'])
        if (own[when] !== undefined) scripts.push(`${name} ${when}: ${own[when]}`);
    }
    // Theirs look whether the binary that came with them fits; everything here installs without running them.
    const known = /^(koffi|classic-level) (install|postinstall): /;
    expect(scripts.filter((text) => !known.test(text) || /https?:|download|curl|wget/.test(text))).toEqual(
      [],
    );
    const loaded = "await import('koffi'); await import('classic-level'); console.log('loaded');";
    expect(await must(process.execPath, ['--input-type=module', '-e', loaded], { cwd: dir })).toBe(
      'loaded\n',
    );
  },
  LONG_MS,
);

describe('siblings of other versions', () => {
  /** A package of one module, as npm packs it. */
  async function release(registry: NpmRegistry, name: string, version: string, text: string, range?: string) {
    const dir = join(suite.dir, 'made', createHash('sha1').update(`${name}${version}`).digest('hex'));
    await mkdir(dir, { recursive: true });
    const peerDependencies = range === undefined ? {} : { '@stowage/interface': range };
    const exports = { '.': { default: './index.js' } };
    const manifest = { name, version, type: 'module', exports, peerDependencies };
    await writeFile(join(dir, 'package.json'), JSON.stringify(manifest));
    await writeFile(join(dir, 'index.js'), text);
    const [{ filename }] = JSON.parse(await must('npm', ['pack', '--json'], { cwd: dir })) as [
      { filename: string },
    ];
    registry.add(manifest, await readFile(join(dir, filename)));
    // Of a README without a program.
    return { place: 'packages/restart-monitor', manifest };
  }

  const uses = "import { later } from '@stowage/interface'; later();";

  async function tried(of: string, peer: string, fits: boolean, text = ''): Promise<string> {
    await using registry = await startNpmServer();
    await release(registry, '@stowage/interface', '0.1.0', 'export const early = () => {};');
    await release(registry, '@stowage/interface', '0.1.1', 'export const later = () => {};');
    await release(registry, '@stowage/interface', '0.2.0', '');
    const one = await release(registry, '@stowage/store', of, text, '^0.1.0');
    const combination = { name: '@stowage/store', version: of, peers: [`@stowage/interface@${peer}`], fits };
    const dir = join(suite.dir, `tried-${of}-${peer}-${fits}-${text.length}`);
    return await tryOut(dir, combination, one, registry, await pinnedNode()).then(
      () => 'good',
      (e: Error) => e.message,
    );
  }

  test(
    'what the ranges take is installed and loaded',
    async () => {
      expect(await tried('0.1.1', '0.1.1', true, uses)).toBe('good');
    },
    LONG_MS,
  );

  test(
    'what uses more than the oldest that its range takes has is found',
    async () => {
      expect(await tried('0.1.1', '0.1.0', true, uses)).toMatch(/does not provide an export named 'later'/);
    },
    LONG_MS,
  );

  test(
    'a range that is violated is refused by npm, and one that is taken to be is found',
    async () => {
      expect(await tried('0.1.0', '0.2.0', false)).toBe('good');
      expect(await tried('0.1.0', '0.2.0', true)).toMatch(/ERESOLVE/);
      expect(await tried('0.1.0', '0.1.1', false)).toBe('npm installs them, though they do not fit');
    },
    LONG_MS,
  );

  test(
    'a version that was released before is taken from where it was',
    async () => {
      await using before = await startNpmServer();
      await using now = await startNpmServer();
      await release(before, '@stowage/interface', '0.0.9', 'export const oldest = 1;');
      await obtain(now, '@stowage/interface', '0.0.9', before.env);
      await obtain(now, '@stowage/interface', '0.0.9', before.env);
      expect(now.versions('@stowage/interface')).toEqual(['0.0.9']);
      const node = await pinnedNode();
      const { packages } = await install(join(suite.dir, 'obtained'), ['@stowage/interface'], now, node);
      expect(packages).toEqual(['@stowage/interface@0.0.9']);
    },
    LONG_MS,
  );
});
