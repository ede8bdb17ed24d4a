// A release must be possible from here, and be what the version plans say: nx works out, and writes nothing, a version for
// each package that a plan names, of the highest kind that one asks for, and a fix for those that need one of them; for
// each of these a changelog, with the texts of the plans, and a tag.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inc, satisfies } from 'semver';

const PLANS = '.nx/version-plans';
const KINDS = ['patch', 'minor', 'major'];
const SAMPLE = "---\n'@stowage/core': patch\n---\n\nA plan for the dry run only.\n";

/** @returns what the plans ask for: by package a kind, and the texts. */
export function readPlans(directory) {
  const asked = new Map();
  for (const name of readdirSync(directory).filter((file) => file.endsWith('.md'))) {
    const file = join(directory, name);
    const [, head = '', text = ''] = /^---\n(.*?)\n---\n\s*(.*)$/s.exec(readFileSync(file, 'utf8')) ?? [];
    const lines = head.split('\n').filter(Boolean);
    if (lines.length === 0 || text.trim() === '')
      throw new Error(`${file}: it names no package, or says nothing`);
    for (const line of lines) {
      const [, project, kind] = /^['"]?([^'"]+)['"]?: *(\w+)$/.exec(line) ?? [];
      if (!KINDS.includes(kind)) throw new Error(`${file}: ${line}: it must be one of ${KINDS.join(', ')}`);
      const known = asked.get(project) ?? { kind: 'patch', texts: [] };
      const higher = KINDS.indexOf(kind) > KINDS.indexOf(known.kind) ? kind : known.kind;
      asked.set(project, { kind: higher, texts: [...known.texts, text.trim()] });
    }
  }
  return asked;
}

/** @returns manifests of what is published, by name, and where they are. */
export function readManifests(root) {
  const found = new Map();
  for (const base of ['packages', 'apps'])
    for (const name of readdirSync(join(root, base))) {
      const place = `${base}/${name}`;
      if (!existsSync(join(root, place, 'package.json'))) continue;
      const manifest = JSON.parse(readFileSync(join(root, place, 'package.json'), 'utf8'));
      found.set(manifest.name, { place, manifest });
    }
  return found;
}

/**
 * @param told - what nx printed, without colours.
 * @returns what differs from what the plans ask for, a line each.
 */
export function differences(asked, manifests, told) {
  const bad = [];
  const tags = new Map(
    [...told.matchAll(/^git tag --annotate (\S+)@(\S+) /gm)].map(([, project, version]) => [
      project,
      version,
    ]),
  );
  for (const [project, { kind }] of asked) {
    const one = manifests.get(project);
    if (one === undefined) {
      bad.push(`a plan names ${project}, which is no package`);
      continue;
    }
    const wanted = inc(one.manifest.version, kind);
    if (tags.get(project) !== wanted) bad.push(`${project} would be ${tags.get(project)}, not ${wanted}`);
  }
  for (const [project, version] of tags) {
    const { place, manifest } = manifests.get(project) ?? {};
    if (place === undefined) continue;
    if (!asked.has(project) && version !== inc(manifest.version, 'patch'))
      bad.push(`${project} would be ${version}, but no plan names it`);
    const entry = new RegExp(
      `in ${place}/CHANGELOG\\.md for ${project}@${version}\\n(.*?)\\n(?= NX )`,
      's',
    ).exec(told);
    if (entry === null) bad.push(`${project} would have no changelog for ${version}`);
    for (const text of asked.get(project)?.texts ?? []) {
      const [words] = text.split('\n');
      if (entry !== null && !entry[1].includes(words))
        bad.push(`the changelog of ${project} lacks: ${words}`);
    }
    for (const range of rangesFor(project, manifests))
      if (
        !satisfies(version, range.text) &&
        !told.includes(`${range.of}/package.json: ${project} ^${version}`)
      )
        bad.push(`${range.of} would go on to need ${project} ${range.text}, which ${version} is not`);
  }
  if (tags.size === 0) bad.push('nothing would be tagged');
  return bad;
}

function rangesFor(project, manifests) {
  return [...manifests.values()].flatMap(({ place, manifest }) =>
    ['dependencies', 'peerDependencies', 'optionalDependencies'].flatMap((kind) => {
      const text = manifest[kind]?.[project];
      return text === undefined ? [] : [{ of: place, text }];
    }),
  );
}

function main() {
  mkdirSync(PLANS, { recursive: true });
  const own = readdirSync(PLANS).length === 0 ? `${PLANS}/dry-run.md` : undefined;
  if (own !== undefined) writeFileSync(own, SAMPLE);
  try {
    const args = ['release', '--dry-run', '--skip-publish', '--verbose'];
    const { status, stdout, stderr } = spawnSync('nx', args, {
      encoding: 'utf8',
      maxBuffer: 256 * 1024 * 1024,
      env: { ...process.env, CI: 'true', NX_DAEMON: 'false', FORCE_COLOR: '0', NO_COLOR: '1' },
    });
    if (status !== 0) {
      console.error(`${stdout}${stderr}`);
      return 1;
    }
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
    const told = stdout.replace(/\u001b\[[0-9;]*m/g, '');
    const bad = differences(readPlans(PLANS), readManifests('.'), told);
    for (const text of bad) console.error(text);
    return bad.length > 0 ? 1 : 0;
  } finally {
    if (own !== undefined) rmSync(own);
  }
}

if (process.argv[1] === import.meta.filename) process.exitCode = main();
