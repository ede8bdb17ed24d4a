import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  Daemon,
  demoArchive,
  end,
  mustCtr,
  type NpmRegistry,
  type Program,
  run,
  startContainerd,
  startNpmRegistry,
  startRegistry,
  until,
} from '@stowage/testing';
import { withTempDir } from '../suite.ts';

// What docs/write-a-snapshotter.md shows is done as it says, with our packages as they would be published.

const ROOT = join(import.meta.dirname, '../../..');
const TEMPLATE = join(ROOT, 'packages/create-snapshotter/template');
const LONG_MS = 600_000;
/** Some minutes of npm: in the long form. */
const IS_LONG = process.env.STOWAGE_LONG !== undefined;
const inLong = IS_LONG ? test : test.skip;
const suite = withTempDir('tutorial');

/** A block of code: of a file where its name is a path, else what to do with it. */
interface Block {
  readonly language: string;
  readonly name: string;
  readonly text: string;
}

let blocks: readonly Block[];
let npm: NpmRegistry;
let registry: Program & { readonly host: string };

beforeAll(async () => {
  const tutorial = await readFile(join(ROOT, 'docs/write-a-snapshotter.md'), 'utf8');
  blocks = [...tutorial.matchAll(/^```(\w+)(?: (\S+))?\n(.*?)^```$/gms)].map(
    ([, language = '', name = '', text = '']) => ({ language, name, text }),
  );
  if (!IS_LONG) return;
  const wanted = ['core', 'rpc', 'snapshots', 'snapshots-store', 'linux'].map((name) => `@stowage/${name}`);
  const tools = ['@stowage/snapshots-conformance', '@stowage/create-snapshotter'];
  npm = await startNpmRegistry(join(suite.dir, 'packed'), [...wanted, ...tools]);
  registry = await startRegistry(join(suite.dir, 'registry'));
}, LONG_MS);

// Before the census.
suite.before(async () => {
  await npm?.[Symbol.asyncDispose]();
  await registry?.[Symbol.asyncDispose]();
});

const folder = () => join(suite.dir, 'my-snapshotter');
const socket = () => join(suite.dir, 'my.sock');
const of = (language: string, name: string) =>
  blocks.filter((one) => one.language === language && one.name === name);
const files = () => blocks.filter(({ name }) => /[./]/.test(name));

/** With paths of this test's own in the place of those of a machine of the reader's own. */
function here(text: string, address = '', plugins = ''): string {
  return text
    .replaceAll('/run/my-snapshotter.sock', socket())
    .replaceAll('/var/lib/my-snapshotter', join(suite.dir, 'served'))
    .replaceAll('/var/lib/stowage/plugins', plugins)
    .replaceAll('docker.io/library/alpine:latest', `${registry.host}/demo:1`)
    .replaceAll('ctr images pull', 'ctr images pull --plain-http')
    .replace(/^ctr /gm, `ctr --address ${address} `);
}

function env(): Record<string, string> {
  return {
    ...npm.env,
    // The Node that runs this, not one that the system has.
    PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
    npm_config_yes: 'true',
    npm_config_fund: 'false',
    npm_config_audit: 'false',
    npm_config_prefer_offline: 'true',
    npm_config_update_notifier: 'false',
  };
}

/** bash, because dash loses variables whose names are not its own kind, such as npm's for a scope. */
async function sh(script: string, cwd: string): Promise<string> {
  const result = await run('bash', ['-euc', script], { cwd, env: env(), timeoutMs: LONG_MS });
  if (result.code !== 0) throw new Error(`${script}\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

/** Runs the reader's commands for a daemon, with an image that it can pull. */
async function containersOn(address: string, name: string): Promise<void> {
  const image = `${registry.host}/demo:1`;
  await mustCtr(address, [
    'images',
    'import',
    '--no-unpack',
    await demoArchive(join(suite.dir, name), image),
  ]);
  await mustCtr(address, ['images', 'push', '--plain-http', image]);
  await mustCtr(address, ['images', 'rm', '--sync', image]);
  const [commands] = of('sh', name);
  expect(await sh(here(commands?.text ?? 'false', address), folder())).toMatch(/\nhello\n$/);
}

describe('the tutorial', () => {
  test('shows the files that npm create makes, in less than a hundred lines of TypeScript', async () => {
    expect(files().map(({ name }) => name)).toEqual([
      'package.json',
      'tsconfig.json',
      'src/copies.ts',
      'src/index.ts',
      'test/conformance.test.ts',
      'src/bin.ts',
    ]);
    const source = (name: string) => join(TEMPLATE, name === 'package.json' ? 'manifest.json' : name);
    for (const { name, text } of files())
      expect([name, text]).toEqual([name, await readFile(source(name), 'utf8')]);
    const lines = files()
      .filter(({ name }) => name.startsWith('src/'))
      .flatMap(({ text }) => text.trim().split('\n'));
    expect(lines.length).toBeLessThan(100);
  });

  inLong(
    'goes from an empty folder to a kit that is green, and a package',
    async () => {
      await mkdir(folder());
      const plugins = join(suite.dir, 'stowaged/root/plugins');
      let green = '';
      for (const { language, name, text } of blocks) {
        if (/[./]/.test(name)) {
          await mkdir(dirname(join(folder(), name)), { recursive: true });
          await writeFile(join(folder(), name), text);
        } else if (language === 'sh' && name === '') {
          const said = await sh(here(text, '', plugins), folder());
          if (text.startsWith('npm test')) green = said;
        }
      }
      const count = (what: string) => Number(new RegExp(`^\\S+ ${what} (\\d+)$`, 'm').exec(green)?.[1]);
      expect(count('fail')).toBe(0);
      expect(count('pass')).toBeGreaterThan(90);
      expect(green).toContain('layers/hide-what-they-delete');
    },
    LONG_MS,
  );

  inLong(
    'serves it to the kit’s command and to containerd, which runs a container on it',
    async () => {
      const [command] = of('sh', 'serve');
      const [file = '', ...args] = here(command?.text.trim() ?? '').split(' ');
      const served = spawn(file, args, {
        cwd: folder(),
        env: { ...process.env, ...env(), NODE_OPTIONS: '' },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      try {
        await new Promise((resolve, reject) => {
          served.stdout.once('data', resolve);
          served.once('exit', (code) => reject(new Error(`it ended with ${code}`)));
        });
        const [kit] = of('sh', 'served');
        expect(await sh(here(kit?.text ?? 'false'), folder())).toMatch(
          /\n\d+ passed, 0 failed, 0 differs, \d+ skipped\n$/,
        );
        const [proxy] = of('toml', 'containerd');
        const config = [here(proxy?.text ?? '')];
        await using containerd = await startContainerd(join(suite.dir, 'ctrd'), config);
        await containersOn(containerd.address, 'containerd');
      } finally {
        await end(served);
      }
      expect(served.exitCode).toBe(0);
    },
    LONG_MS,
  );

  inLong(
    'has stowaged load it by its name, which runs a container on it',
    async () => {
      const [config] = of('toml', 'stowaged');
      const file = join(suite.dir, 'stowaged.toml');
      await writeFile(file, config?.text ?? '');
      await using daemon = await Daemon.start({ dir: join(suite.dir, 'stowaged'), config: file });
      expect(await mustCtr(daemon.address, ['plugins', 'ls'])).toMatch(
        /snapshotter\.v1\s+my-snapshotter\s+\S+\s+ok/,
      );
      await containersOn(daemon.address, 'stowaged');
      await mustCtr(daemon.address, ['images', 'rm', '--sync', `${registry.host}/demo:1`]);
      await until('the snapshots to be gone', async () => {
        const left = await mustCtr(daemon.address, ['snapshots', '--snapshotter', 'my-snapshotter', 'ls']);
        return !left.includes('Committed');
      });
    },
    LONG_MS,
  );
});

inLong(
  'what npm create makes builds, and passes the kit',
  async () => {
    const said = await sh('npm create @stowage/snapshotter @acme/other', suite.dir);
    expect(said).toContain('cd other');
    const other = join(suite.dir, 'other');
    await sh('npm install && npm run build', other);
    expect(await sh('npm test', other)).toMatch(/^\S+ fail 0$/m);
    const loaded =
      "import('@acme/other').then(({ plugins: [p] }) => console.log(p.id, p.slot.type, p.slot.api))";
    expect(await sh(`node -e "${loaded}"`, other)).toBe('other io.containerd.snapshotter.v1 1\n');
  },
  LONG_MS,
);

inLong(
  'a released kit is run against the snapshotters of today; without one, that is said',
  async () => {
    const check = [process.execPath, '--conditions=stowage-source', 'tools/checks/previous-kit.ts'];
    const previous = (more: Readonly<Record<string, string>>) =>
      run(check[0] ?? '', check.slice(1), { cwd: ROOT, env: { ...env(), ...more }, timeoutMs: LONG_MS });
    const compared = await previous({});
    expect(compared).toMatchObject({ code: 0, stderr: '' });
    expect(compared.stdout).toMatch(/^memory: \d+ passed, 0 failed/m);
    expect(compared.stdout).toMatch(/^overlay: \d+ passed, 0 failed/m);

    await using empty = await startNpmRegistry(join(suite.dir, 'empty'), ['@stowage/core']);
    const none = await previous(empty.env);
    expect(none).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing was compared') });
  },
  LONG_MS,
);
