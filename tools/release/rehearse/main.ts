// Publishes all packages to a registry on this machine, and uses each as its readers will: installed alone into an empty
// folder, with the first example of its README compiled against its types and run on each Node that is supported. Then,
// each with its siblings of other versions: what the ranges of packages take must work, and npm must refuse all else.
//
// `npm run rehearse`, or `npm run rehearse -- --only core,client` for some packages, `--part alone` or `--part siblings`
// for half of it; `--keep` leaves the folder.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { must, type NpmRegistry, startNpmServer } from '@stowage/testing';
import { releaseTwice, siblingsTable, trySiblings } from '../siblings/siblings.ts';
import { newestNode, pinnedNode } from './nodes.ts';
import { type Package, publicPackages, ROOT } from './packages.ts';
import { type Published, publish } from './publish.ts';
import { type Rehearsed, rehearse, type Stage } from './rehearse.ts';
import { openScene } from './scene.ts';
import { table } from './table.ts';

/** At once. Each waits for npm most of the time. */
const WORKERS = 2;
const OLDER = 22;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    part: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});

async function alone(
  dir: string,
  names: readonly string[],
  packages: ReadonlyMap<string, Package>,
  published: ReadonlyMap<string, Published>,
  registry: NpmRegistry,
): Promise<boolean> {
  await using scenes = new AsyncDisposableStack();
  const stages: Stage[] = [];
  for (const node of [await newestNode(join(dir, 'node'), OLDER), await pinnedNode()])
    stages.push({ node, scene: scenes.use(await openScene(join(dir, String(node.major)), registry, node)) });
  const queue = [...names];
  const done = new Map<string, Rehearsed>();
  const worker = async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      const [one, size] = [packages.get(name), published.get(name)];
      if (one === undefined || size === undefined) throw new Error(`${name} is not published`);
      const result = await rehearse(join(dir, 'alone', name.replace('/', '-')), one, size, stages);
      done.set(name, result);
      console.log(`${result.problem === undefined ? 'ok' : 'FAILED'} ${name}`);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
  const results = names.flatMap((name) => done.get(name) ?? []);
  console.log(
    `\n${table(
      results,
      stages.map(({ node }) => node),
    )}\n`,
  );
  for (const { name, problem } of results) if (problem !== undefined) console.error(`${name}: ${problem}\n`);
  return results.every(({ problem }) => problem === undefined);
}

async function siblings(
  dir: string,
  names: readonly string[],
  packages: ReadonlyMap<string, Package>,
  registry: NpmRegistry,
): Promise<boolean> {
  const releases = await releaseTwice(join(dir, 'scratch'), registry, packages);
  const tried = await trySiblings(join(dir, 'siblings'), names, releases, registry, await pinnedNode());
  console.log(siblingsTable(tried));
  for (const { name, version, peers, fits, problem } of tried) {
    if (problem === undefined) continue;
    const wanted = fits ? 'must work' : 'must be refused';
    console.error(`\n${name}@${version} with ${peers.join(', ')} ${wanted}: ${problem}`);
  }
  return tried.every(({ problem }) => problem === undefined);
}

const dir = await mkdtemp(join(tmpdir(), 'rehearse-'));
try {
  await must('tsc', ['-b', ROOT], { timeoutMs: 600_000 });
  const packages = await publicPackages();
  const all = [...packages.keys()];
  const wanted =
    values.only?.split(',').map((name) => (name.startsWith('@') ? name : `@stowage/${name}`)) ?? all;
  for (const name of wanted) if (!packages.has(name)) throw new Error(`--only: there is no ${name}`);
  await using registry = await startNpmServer();
  const published = await publish(registry, all);
  console.log(`published ${published.size} packages to ${registry.url}`);
  const parts = [];
  if (values.part !== 'siblings') parts.push(await alone(dir, wanted, packages, published, registry));
  if (values.part !== 'alone') parts.push(await siblings(dir, wanted, packages, registry));
  process.exitCode = parts.every(Boolean) ? 0 : 1;
} finally {
  if (values.keep) console.log(`kept ${dir}`);
  else await rm(dir, { recursive: true, force: true });
}
