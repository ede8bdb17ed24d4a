import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { run } from '@stowage/testing';
import { withTempDir } from '../suite.ts';

const suite = withTempDir('launch');
const ROOT = join(import.meta.dirname, '../../..');
const LAUNCH = pathToFileURL(join(ROOT, 'packages/core/bin/launch.mjs')).href;
/** Says that it is what Debian ships: older than anything that a bundle runs on. Made here, as not every machine has it. */
const OLD_NODE = join(tmpdir(), `stowage-old-node-${process.pid}`);
const PRETEND =
  'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.20.2"}})';

const BUNDLE = `
const [, , what, ...rest] = process.argv;
if (what === 'exit') process.exit(Number(rest[0]));
if (what === 'version') console.log(process.versions.node, JSON.stringify(rest));
if (what === 'input') process.stdin.pipe(process.stdout);
if (what === 'wait') {
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'])
    process.on(name, () => { console.log(name); if (name === 'SIGTERM') process.exit(3); });
  setInterval(() => {}, 1000);
  console.log('waiting', process.pid);
}
if (what === 'die') process.kill(process.pid, 'SIGKILL');
`;

/** A command as a checkout has it: beside a node_modules with the Node that it pins. */
async function command(name: string, { pinned = true, built = true } = {}): Promise<string> {
  const dir = join(suite.dir, name);
  await mkdir(join(dir, 'node_modules'), { recursive: true });
  const node = `node-${process.platform}-${process.arch}`;
  if (pinned) await symlink(join(ROOT, 'node_modules', node), join(dir, 'node_modules', node));
  if (built) await writeFile(join(dir, 'it.mjs'), BUNDLE);
  const file = join(dir, 'command.mjs');
  await writeFile(
    file,
    `import { launch } from '${LAUNCH}';\nawait launch(new URL('./it.mjs', import.meta.url));\n`,
  );
  return file;
}

let good: string;
beforeAll(async () => {
  good = await command('good');
  await writeFile(OLD_NODE, `#!/bin/sh\nexec '${process.execPath}' --import '${PRETEND}' "$@"\n`, {
    mode: 0o755,
  });
  expect((await run(OLD_NODE, ['-p', 'process.versions.node'])).stdout).toBe('20.20.2\n');
});

afterAll(() => rm(OLD_NODE));

const NODES = [
  ['a Node that is too old', OLD_NODE],
  ['a Node that will do', process.execPath],
] as const;

test.each(NODES)('%s: the bundle runs on a good one, with its arguments and streams', async (_, node) => {
  const version = await run(node, [good, 'version', '--flag', 'a b']);
  expect(version).toMatchObject({ code: 0, stderr: '' });
  expect(version.stdout).toMatch(/^2[4-9]\.\S+ \["--flag","a b"\]\n$/);
  expect(await run(node, [good, 'input'], { input: 'hello' })).toMatchObject({ code: 0, stdout: 'hello' });
});

test.each(NODES)('%s: the exit code is that of the bundle', async (_, node) => {
  for (const code of [0, 1, 42, 78]) {
    expect(await run(node, [good, 'exit', String(code)])).toMatchObject({ code, signal: null });
  }
});

test.each(NODES)('%s: killed by a signal if the bundle was', async (_, node) => {
  expect(await run(node, [good, 'die'])).toMatchObject({ code: null, signal: 'SIGKILL' });
});

test.each(NODES)('%s: signals reach the bundle, each once', async (_, node) => {
  const child = spawn(node, [good, 'wait'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value;
  expect(await next()).toMatch(/^waiting/);
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) {
    child.kill(signal);
    expect(await next()).toBe(signal);
  }
  expect(child.exitCode ?? (await once(child, 'exit'))[0]).toBe(3);
  expect((await lines.next()).done).toBe(true);
});

test.each(NODES)('%s: a bundle that is missing is named, with what to do', async (_, node) => {
  const result = await run(node, [await command(`missing-${node.length}`, { built: false })]);
  expect(result).toMatchObject({ code: 1, stdout: '' });
  expect(result.stderr).toMatch(/^\S+it\.mjs is not built: run "npm run build" first\n$/);
});

test('too old a Node and none that is pinned: what is needed and what this is', async () => {
  const result = await run(OLD_NODE, [await command('unpinned', { pinned: false }), 'exit', '0']);
  expect(result.code).toBe(1);
  expect(result.stderr).toMatch(/^needs Node 22\S+ .*; this is v20\.\S+\n$/);
});

test('the commands themselves start on too old a Node', async () => {
  for (const [app, name] of [
    ['daemon', 'stowaged'],
    ['cli', 'stowage'],
  ]) {
    const result = await run(OLD_NODE, [join(ROOT, `apps/${app}/bin/${name}.mjs`), '--version']);
    expect(result).toMatchObject({ code: 0, stderr: '' });
  }
});
