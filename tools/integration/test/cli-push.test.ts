import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect } from '@stowage/client';
import { LocalContentStore } from '@stowage/content-store';
import { type Descriptor, MEDIA_TYPE } from '@stowage/core';
import { buildImage, writeArchive } from '@stowage/oci-image';
import { openRegistry } from '@stowage/registry';
import {
  Daemon,
  demoArchive,
  mustCtr,
  type Program,
  startRegistry,
  startUploadFront,
  until,
} from '@stowage/testing';
import { certificates } from '../../../packages/registry/test/support/certificates.ts';
import { guardedRegistry } from '../../../packages/registry/test/support/guarded-registry.ts';
import { USER } from '../../../packages/registry/test/support/token-server.ts';
import { archiveOfSeveral, NOISE_BYTES, OTHER } from '../archive-of-several.ts';
import { beginStowage, CLI, stowage } from '../cli.ts';
import { withDaemon } from '../suite.ts';

/** Of `correct horse`, by bcrypt. */
const ALICE = 'alice:$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2';
const PASSWORD = 'correct horse';

let open: (Program & { readonly host: string }) | undefined;
let guarded: (Program & { readonly host: string }) | undefined;
// Before the census, so before it is set up.
afterAll(async () => {
  await open?.[Symbol.asyncDispose]();
  await guarded?.[Symbol.asyncDispose]();
});

const suite = withDaemon('cli-push');
const LAYER_BYTES = 8 * 1024 * 1024;
const NAME = 'example.org/several:1';
let target: Descriptor;
let archive: string;
let docker: string;

const env = (more: object = {}) => ({ env: { DOCKER_CONFIG: docker, ...more } });
const s = (...args: string[]) => stowage(suite.daemon.address, args, env());
const given = (input: string, ...args: string[]) => stowage(suite.daemon.address, args, { ...env(), input });
const c = (...args: string[]) => mustCtr(suite.daemon.address, args);
const opened = () => open?.host ?? '';
const asked = () => guarded?.host ?? '';

async function must(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await s(...args);
  if (code !== 0) throw new Error(`stowage ${args.join(' ')}: exit code ${code}\n${stderr}`);
  return stdout;
}

/** Of `--progress json`: how each blob ended. */
function states(stderr: string): string[] {
  const lines = stderr.split('\n').filter((line) => line.startsWith('{'));
  const steps = lines.map((line) => JSON.parse(line) as { state: string; stage: string });
  return steps.filter(({ state }) => state !== 'running').map(({ state }) => state);
}

beforeAll(async () => {
  open = await startRegistry(join(suite.dir, 'registry'));
  guarded = await startRegistry(join(suite.dir, 'guarded'), [ALICE]);
  docker = join(suite.dir, 'docker');
  archive = join(suite.dir, 'several.tar');
  target = await archiveOfSeveral(suite.dir, NAME, archive);
  await must('load', '-i', archive);
}, 60_000);

test('without a login, or with a wrong one, it is told what to do, and nothing is kept', async () => {
  await must('tag', NAME, `${asked()}/several:1`);
  const { code, stderr } = await s('push', `${asked()}/several:1`);
  expect(code).toBe(1);
  expect(stderr.trimEnd().split('\n').slice(-2)).toEqual([
    expect.stringMatching(/^stowage: push .* the registry wants a login/),
    expect.stringContaining(`stowage login ${asked()}`),
  ]);
  const wrong = await given('wrong\n', 'login', asked(), '-u', 'alice', '--password-stdin');
  expect(wrong).toMatchObject({ code: 1, stdout: '' });
  expect(wrong.stderr).toMatch(
    /^stowage: log in to .*\nAre user and password right\?.*Nothing was kept\.\n$/,
  );
  expect(wrong.stderr).not.toContain('wrong\n');
  await expect(stat(join(docker, 'config.json'))).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await s('login', asked(), '-u', 'alice')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('--password-stdin'),
  });
  expect(await given('x', 'login', asked(), '--password-stdin')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('-u'),
  });
});

test('a login is kept for its owner only; push, pull and run use it; logout forgets it', async () => {
  const login = await given(`${PASSWORD}\n`, 'login', asked(), '-u', 'alice', '--password-stdin');
  expect(login).toMatchObject({ code: 0, stdout: `logged in to ${asked()} as alice\n` });
  expect(login.stderr).toMatch(/as good as in the clear in .*config\.json/);
  expect((await stat(join(docker, 'config.json'))).mode & 0o777).toBe(0o600);

  expect(await must('push', '-q', `${asked()}/several:1`)).toBe(`${target.digest}\n`);
  expect(await must('-n', 'logged-in', 'pull', '-q', `${asked()}/several:1`)).toBe(`${target.digest}\n`);

  const demo = `${asked()}/demo:1`;
  await must('load', '-i', await demoArchive(join(suite.dir, 'demo'), demo));
  await must('push', '-q', demo);
  expect(await s('-n', 'logged-in', 'run', '--rm', demo, 'echo', 'hi')).toMatchObject({
    code: 0,
    stdout: 'hi\n',
  });

  await must('logout', asked());
  expect(await readFile(join(docker, 'config.json'), 'utf8')).not.toContain(asked());
  expect(await s('-n', 'logged-in', 'pull', demo)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`stowage login ${asked()}`),
  });
}, 60_000);

test('-p works, and is warned of', async () => {
  const { code, stderr } = await s('login', asked(), '-u', 'alice', '-p', PASSWORD);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('use --password-stdin') });
  expect(stderr).not.toContain(PASSWORD);
  await must('logout', asked());
});

test('at a terminal it asks, and does not show the password', async () => {
  const at = join(suite.dir, 'docker-terminal');
  const line = `DOCKER_CONFIG='${at}' '${process.execPath}' '${CLI}' login ${asked()}`;
  const terminal = spawn('script', ['-qec', line, '/dev/null'], {
    env: { ...process.env, TERM: 'xterm', NODE_OPTIONS: '' },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const end = once(terminal, 'close');
  let seen = '';
  terminal.stdout.on('data', (chunk: Buffer) => {
    seen += chunk.toString();
  });
  await until('the user to be asked for', () => seen.includes('User for'));
  terminal.stdin.write('alice\n');
  await until('the password to be asked for', () => seen.includes('Password of alice: '));
  terminal.stdin.write(`${PASSWORD}\n`);
  expect(await end).toEqual([0, null]);
  expect(seen).toContain(`logged in to ${asked()} as alice`);
  expect(seen).not.toContain(PASSWORD);
  expect((await stat(join(at, 'config.json'))).mode & 0o777).toBe(0o600);
});

test('an index and its layers come back byte by byte at another daemon; a second push sends nothing', async () => {
  await using front = await startUploadFront(opened());
  const name = `${front.host}/several:1`;
  await must('tag', NAME, name);
  const first = await s('push', '--all-platforms', '--progress', 'json', name);
  expect(first).toMatchObject({ code: 0, stdout: `${target.digest}\n` });
  // Two configs, four layers, two manifests, and the index.
  expect(states(first.stderr)).toEqual(Array(9).fill('done'));
  const sent = front.upBytes();

  const again = await s('push', '--all-platforms', name);
  expect(again).toMatchObject({ code: 0, stdout: `${target.digest}\n` });
  const lines = again.stderr.trimEnd().split('\n');
  expect(lines).toHaveLength(9);
  for (const line of lines) expect(line).toMatch(/^[0-9a-f]{12}: there already \(/);
  expect(sent).toBeGreaterThan(NOISE_BYTES);
  // Questions only.
  expect(front.upBytes() - sent).toBeLessThan(NOISE_BYTES / 5);
  expect((await s('push', '-q', name)).stderr).toBe('');

  await mkdir(join(suite.dir, 'second'));
  await using second = await Daemon.start({ dir: join(suite.dir, 'second') });
  const pulled = await stowage(second.address, ['pull', '-q', '--all-platforms', name], env());
  expect(pulled).toMatchObject({ code: 0, stdout: `${target.digest}\n` });
  await using client = connect(second.address, { namespace: suite.namespace });
  const blobs = await Array.fromAsync(client.services.content.list());
  expect(blobs).toHaveLength(9);
  await using here = connect(suite.daemon.address, { namespace: suite.namespace });
  for (const { digest } of blobs) {
    const read = async (from: typeof here) =>
      Buffer.concat(await Array.fromAsync(from.services.content.read(digest)));
    expect((await read(client)).equals(await read(here))).toBe(true);
  }
}, 60_000);

test('layers that the registry has elsewhere are mounted, not sent', async () => {
  const from = `${opened()}/several:1`;
  await must('pull', '-q', '--all-platforms', from);
  const name = `${opened()}/moved/several:1`;
  await must('tag', from, name);
  const { code, stderr } = await s('push', '--progress', 'json', name);
  expect({ code, states: states(stderr) }).toEqual({
    code: 0,
    states: [...Array(6).fill('mounted'), ...Array(3).fill('done')],
  });
});

test('of an image that was pulled for one platform that one goes, and it is told', async () => {
  const from = `${opened()}/several:1`;
  // In a namespace that knows nothing of the other.
  await must('-n', 'one', 'pull', '-q', '--platform', `linux/${OTHER.architecture}`, from);
  const name = `${opened()}/one:1`;
  await must('-n', 'one', 'tag', from, name);
  const { code, stdout, stderr } = await s('-n', 'one', 'push', name);
  expect(code).toBe(0);
  expect(stdout).not.toBe(`${target.digest}\n`);
  expect(stderr).toMatch(/went without linux\/.*, which are not here\nTo push these too: /);
  await using registry = openRegistry();
  const { descriptor } = await registry.resolve(name);
  expect(descriptor).toMatchObject({ mediaType: MEDIA_TYPE.ociManifest, digest: stdout.trim() });
  expect(await s('-n', 'one', 'push', '--all-platforms', name)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is missing'),
  });
});

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s in the middle of a push leaves nothing in the daemon, names nothing, and says what goes on from there',
  async (signal) => {
    await using front = await startUploadFront(opened(), LAYER_BYTES / 2);
    const namespace = `cut-by-${signal.toLowerCase()}`;
    const name = `${front.host}/${namespace}:1`;
    {
      await using content = await LocalContentStore.open(join(suite.dir, namespace));
      const built = await buildImage(content, {
        layers: [
          [{ path: 'small', data: namespace }],
          [{ path: 'noise', data: randomBytes(LAYER_BYTES), mode: 0o644 }],
        ],
      });
      await using client = connect(suite.daemon.address, { namespace });
      await client.importImages(writeArchive(content, [{ name, target: built }]));
    }
    const begun = beginStowage(suite.daemon.address, ['-n', namespace, 'push', name]);
    await until('the small layer and half of the large one', () => {
      const isHalf = front.upBytes() > LAYER_BYTES / 2;
      return isHalf && begun.err().split('\n').length > 2;
    });
    begun.child.kill(signal);
    expect(await begun.end).toMatchObject({ code: signal === 'SIGINT' ? 130 : 143 });
    expect(begun.err()).toMatch(/stowage: interrupted\nThe registry keeps the layers that went whole: /);
    expect(await c('-n', namespace, 'leases', 'ls', '-q')).toBe('');
    expect(await c('-n', namespace, 'content', 'active')).not.toContain('sha256');
    await using registry = openRegistry();
    await expect(registry.resolve(`${opened()}/${namespace}:1`)).rejects.toMatchObject({ kind: 'not_found' });

    front.open();
    const again = await s('-n', namespace, 'push', '--progress', 'json', name);
    expect({ code: again.code, states: states(again.stderr).sort() }).toEqual({
      code: 0,
      // Config and small layer are kept; large layer, manifest and index are new.
      states: ['done', 'done', 'done', 'exists', 'exists'],
    });
  },
  60_000,
);

test('hosts.toml says where to push to and pull from', async () => {
  const hosts = join(suite.dir, 'certs.d');
  await mkdir(join(hosts, 'mirrored.example'), { recursive: true });
  await writeFile(join(hosts, 'mirrored.example/hosts.toml'), `server = "http://${opened()}"\n`);
  const name = 'mirrored.example/by/hosts:1';
  await must('tag', NAME, name);
  const digest = await must('push', '-q', '--hosts-dir', hosts, name);
  expect(digest).toBe(`${target.digest}\n`);
  expect(await must('-n', 'hosts', 'pull', '-q', '--hosts-dir', hosts, name)).toBe(digest);
  expect(await s('push', '--hosts-dir', '/absent', name)).toMatchObject({
    code: 1,
    stderr: 'stowage: --hosts-dir "/absent": there is no such directory\n',
  });
});

test('a certificate that nobody vouches for is refused, unless that is asked for', async () => {
  await using made = await certificates();
  await using tls = await guardedRegistry({ certificates: made });
  const name = `${tls.host}/several:1`;
  await must('tag', NAME, name);
  const at = ['--hosts-dir', join(suite.dir, 'certs-absent')];
  await mkdir(join(suite.dir, 'certs-absent', tls.host.replace(':', '_').concat('_')), { recursive: true });
  await writeFile(
    join(suite.dir, 'certs-absent', `${tls.host.replace(':', '_')}_`, 'hosts.toml'),
    `server = "https://${tls.host}"\n`,
  );
  expect(await s('push', ...at, name)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/certificate.*\n.*certs\.d/),
  });
  const login = ['login', tls.host, '-u', USER.username, '--password-stdin', '--insecure-skip-verify'];
  expect(await given(USER.password, ...login)).toMatchObject({ code: 0 });
  expect(await must('push', '-q', '--insecure-skip-verify', name)).toBe(`${target.digest}\n`);
  await must('logout', tls.host);
}, 60_000);
