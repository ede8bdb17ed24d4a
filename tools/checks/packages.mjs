// Packs every public package and looks at it as npm and TypeScript would: publint and attw. Two at a time.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const places = ['packages', 'apps'].flatMap((base) =>
  readdirSync(join(root, base)).map((name) => join(base, name)),
);
const queue = places.filter((place) => {
  const manifest = JSON.parse(readFileSync(join(root, place, 'package.json'), 'utf8'));
  return manifest.private !== true;
});

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

async function worker() {
  for (let place = queue.shift(); place !== undefined; place = queue.shift()) {
    await run(place, 'publint', ['run', place, '--strict']);
    const isLibrary = existsSync(join(root, place, 'src/index.ts')) || place.endsWith('/api');
    if (isLibrary) await run(place, 'attw', ['--pack', place, '--profile', 'esm-only', '--format', 'ascii']);
  }
}

await Promise.all([worker(), worker()]);
process.exitCode = bad ? 1 : 0;
