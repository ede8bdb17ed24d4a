import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { checkConfig } from '../src/config/check/check-config.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stowage-config-check-'));
});
afterAll(() => rm(dir, { recursive: true }));

async function check(text: string, name = 'c.toml') {
  const config = join(dir, name);
  await writeFile(config, text);
  const { findings, plan } = await checkConfig({ config });
  const lines = findings.map((one) => `${one.isError ? 'error' : 'warning'} ${one.text.replaceAll(dir, '')}`);
  return { lines, plan };
}

test('all that is wrong is told, each with its line', async () => {
  const { lines, plan } = await check(`version = 3
roots = "/x"

[grpc]
# who may connect
uid = "a"
adress = "/x"

[metrics]
address = "0.0.0.0:1338"

[plugins."io.containerd.snapshotter.v1.overlayfs"]
root_pat = ""
mount_options = [
  # one by one
  1,
]
slow_chown = 5

[plugins."io.containerd.differ.v1.walking"]
gzip_level = 6

[proxy_plugins.mine]
type = "teapot"
`);
  expect(plan).toBeUndefined();
  expect(lines).toEqual([
    expect.stringMatching(/^error \/c\.toml:2: roots: unknown key; expected version, root/),
    'error /c.toml:6: grpc.uid: expected a whole number, 0 or more, got "a"',
    expect.stringMatching(/^error \/c\.toml:7: grpc\.adress: unknown key/),
    expect.stringMatching(/^error \/c\.toml:10: metrics\.address: "0\.0\.0\.0:1338": .*allow_remote/),
    expect.stringMatching(/^error \/c\.toml:13: plugins\.".*overlayfs"\.root_pat: unknown key/),
    expect.stringMatching(/^error \/c\.toml:14: plugins\.".*overlayfs"\.mount_options: expected a list/),
    expect.stringMatching(/^error \/c\.toml:18: plugins\.".*overlayfs"\.slow_chown: /),
    expect.stringMatching(/^error \/c\.toml:23: proxy_plugins\.mine\.address: is missing/),
    expect.stringMatching(/^error \/c\.toml:24: proxy_plugins\.mine\.type: expected one of snapshot/),
  ]);
});

test('tables and keys that only containerd has are warnings, and the daemon would start', async () => {
  const { lines, plan } = await check(`version = 2
oom_score = -999
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "x"
`);
  expect(lines).toEqual([
    expect.stringMatching(/^warning \/c\.toml:2: oom_score: has no meaning/),
    expect.stringMatching(/^warning \/c\.toml:3: plugins\."io\.containerd\.grpc\.v1\.cri": there is no such/),
  ]);
  expect(plan?.plugins.map(({ type, id }) => `${type}.${id}`)).toContain('io.containerd.grpc.v1.version');
});

test('what would start is told in its order, without what is disabled', async () => {
  const { lines, plan } = await check(`version = 3
root = "/r"
disabled_plugins = ["io.containerd.grpc.v1.leases"]
[proxy_plugins.mine]
type = "snapshot"
address = "/x.sock"
[debug]
address = "/d.sock"
`);
  expect(lines).toEqual([]);
  const names = plan?.plugins.map(({ type, id }) => `${type}.${id}`) ?? [];
  expect(names).not.toContain('io.containerd.grpc.v1.leases');
  const [snapshotter, metadata] = ['io.containerd.snapshotter.v1.mine', 'io.containerd.metadata.v1.level'];
  expect(names.indexOf(snapshotter)).toBeGreaterThanOrEqual(0);
  expect(names.indexOf(snapshotter)).toBeLessThan(names.indexOf(metadata));
  expect(plan?.config).toMatchObject({ root: '/r', debug: { address: '/d.sock' } });
});

test('a file that others import is named where the mistake is its', async () => {
  await writeFile(join(dir, 'more.toml'), 'root = "/r"\n\n[debug]\nlevl = "x"\n');
  const { lines } = await check('version = 3\nimports = ["more.toml"]\n[debug]\nlevel = "info"\n');
  expect(lines).toEqual([expect.stringMatching(/^error \/more\.toml:4: debug\.levl: unknown key/)]);
});

test.each([
  ['no TOML', 'version = 3\nroot = = 1\n', /^error \/c\.toml:2: /],
  ['a version that nobody knows', 'version = 9\n', /^error \/c\.toml:1: version: expected 2, 3 or 4, got 9$/],
  ['a package that is not there', 'packages = ["absent-one"]\n', /^error package "absent-one"/],
  [
    'a plugin that others need and that is disabled',
    'disabled_plugins = ["io.containerd.event.v1.exchange"]\n',
    /needs/,
  ],
])('%s: the daemon would not start', async (_, text, message) => {
  const { lines, plan } = await check(text);
  expect(plan).toBeUndefined();
  expect(lines).toEqual([expect.stringMatching(message)]);
});

test('what is wrong in the file is told beside what can not be found', async () => {
  const { lines } = await check('packages = ["absent-one"]\nroots = "/x"\n');
  expect(lines).toEqual([expect.stringMatching(/:2: roots/), expect.stringMatching(/"absent-one"/)]);
});

test('a file that is named must be there', async () => {
  const { findings } = await checkConfig({ config: join(dir, 'absent.toml') });
  expect(findings).toMatchObject([{ isError: true, text: expect.stringContaining('absent.toml') }]);
});
