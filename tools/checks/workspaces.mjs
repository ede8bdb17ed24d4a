// Each package imports only from floors below its own (tools/floors.json). TypeScript refuses an import that is no
// project reference; this asserts that references are exactly the workspace dependencies, that these point down,
// and that manifests look alike.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const root = join(import.meta.dirname, '../..');
const read = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'));
const floors = read('tools/floors.json');
const places = ['packages', 'apps'].flatMap((base) =>
  readdirSync(join(root, base)).map((name) => `${base}/${name}`),
);
const manifests = new Map(places.map((place) => [place, read(`${place}/package.json`)]));
const placeOf = new Map([...manifests].map(([place, { name }]) => [name, place]));
const inRoot = new Set((read('tsconfig.json').references ?? []).map((r) => r.path));

let bad = 0;
const fail = (text) => {
  bad++;
  console.error(text);
};

for (const [place, manifest] of manifests) {
  const { name, dependencies = {}, optionalDependencies = {}, peerDependencies = {} } = manifest;
  const all = { ...dependencies, ...optionalDependencies, ...peerDependencies };
  const wanted = Object.keys(all).filter((d) => placeOf.has(d));
  const references = (read(`${place}/tsconfig.json`).references ?? []).map((r) => join(place, r.path));
  for (const d of wanted) {
    const at = placeOf.get(d);
    if (!references.includes(at)) fail(`${place}/tsconfig.json lacks the reference ${relative(place, at)}`);
    if (!(floors[d] < floors[name]))
      fail(`${name} (floor ${floors[name]}) may not import ${d} (floor ${floors[d]})`);
  }
  for (const r of references) {
    if (!wanted.some((d) => placeOf.get(d) === r))
      fail(`${place}/tsconfig.json references ${r}, no dependency`);
  }
  if (!(name in floors)) fail(`${name} is not in tools/floors.json`);
  if (!inRoot.has(place)) fail(`tsconfig.json lacks the reference ${place}`);
  for (const key of [
    'version',
    'description',
    'license',
    'repository',
    'engines',
    'exports',
    'files',
    'scripts',
  ]) {
    if (!(key in manifest)) fail(`${place}/package.json lacks ${key}`);
  }
  if (manifest.type !== 'module') fail(`${place}/package.json: type must be module`);
  if (manifest.repository?.directory !== place)
    fail(`${place}/package.json: repository.directory must be ${place}`);
  for (const file of ['README.md', 'tsconfig.json']) {
    if (!existsSync(join(root, place, file))) fail(`${place} lacks ${file}`);
  }
}
process.exitCode = bad ? 1 : 0;
