// Packs every public package, all with one npm, and looks at them as npm and TypeScript would: publint and attw, two at
// a time.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '../..');
const places = ['packages', 'apps']
  .flatMap((base) => readdirSync(join(root, base)).map((name) => join(base, name)))
  .filter((place) => manifestOf(place).private !== true);

function manifestOf(place) {
  return JSON.parse(readFileSync(join(root, place, 'package.json'), 'utf8'));
}

/** @returns tarballs by package name. */
async function packAll(directory) {
  const flags = ['--json', '--silent', '--ignore-scripts', '--pack-destination', directory];
  const which = places.flatMap((place) => ['-w', place]);
  const most = { cwd: root, maxBuffer: 64 * 1024 * 1024 };
  const { stdout } = await promisify(execFile)('npm', ['pack', ...flags, ...which], most);
  return new Map(JSON.parse(stdout).map(({ name, filename }) => [name, join(directory, filename)]));
}

let bad = 0;
async function run(place, command, args) {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk));
  const [code] = await once(child, 'close');
  if (code === 0) return;
  bad++;
  console.error(`${place}: ${command} ${args.join(' ')} found:\n${text}`);
}

async function worker(queue, tarballs) {
  for (let place = queue.shift(); place !== undefined; place = queue.shift()) {
    const tarball = tarballs.get(manifestOf(place).name);
    if (tarball === undefined) throw new Error(`${place}: npm packed nothing of this name`);
    await run(place, 'publint', ['run', tarball, '--strict']);
    const isLibrary = existsSync(join(root, place, 'src/index.ts')) || place.endsWith('/api');
    if (isLibrary) await run(place, 'attw', [tarball, '--profile', 'esm-only', '--format', 'ascii']);
  }
}

const directory = await mkdtemp(join(tmpdir(), 'stowage-packed-'));
try {
  const tarballs = await packAll(directory);
  const queue = [...places];
  await Promise.all([worker(queue, tarballs), worker(queue, tarballs)]);
} finally {
  await rm(directory, { recursive: true });
}
process.exitCode = bad ? 1 : 0;
