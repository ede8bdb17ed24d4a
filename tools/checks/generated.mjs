// Generates the code of the contract again and compares it with what is committed, byte for byte.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const committed = 'packages/api/src/gen';
const work = mkdtempSync(join(tmpdir(), 'stowage-gen-'));
const template = readFileSync('buf.gen.yaml', 'utf8').replace(committed, join(work, 'gen'));
writeFileSync(join(work, 'buf.gen.yaml'), template);
execFileSync('buf', ['generate', '--template', join(work, 'buf.gen.yaml')], { stdio: 'inherit' });

const files = (dir) =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .sort();
const [now, then] = [files(join(work, 'gen')), files(committed)];
const differing = now.filter(
  (f) =>
    then.includes(f) &&
    readFileSync(join(work, 'gen', f), 'utf8') !== readFileSync(join(committed, f), 'utf8'),
);
const odd = [...now.filter((f) => !then.includes(f)), ...then.filter((f) => !now.includes(f)), ...differing];
for (const file of odd) console.error(`${committed}/${file} is not what "npm run generate" makes`);
rmSync(work, { recursive: true });
process.exitCode = odd.length ? 1 : 0;
