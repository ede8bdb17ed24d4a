// Publishes all packages to a registry on this machine, and uses each as its readers will: installed alone into an empty
// folder, with the first example of its README compiled against its types and run on each Node that is supported.
//
// `npm run rehearse`, or `npm run rehearse -- --only core,client` for some; `--keep` leaves the folder.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { must, startNpmServer } from '@stowage/testing';
import { newestNode, pinnedNode } from './nodes.ts';
import { publicPackages, ROOT } from './packages.ts';
import { publish } from './publish.ts';
import { type Rehearsed, rehearse } from './rehearse.ts';
import { openScene } from './scene.ts';
import { table } from './table.ts';

/** At once. Each waits for npm most of the time. */
const WORKERS = 2;
const OLDER = 22;

const { values } = parseArgs({
  options: { only: { type: 'string' }, keep: { type: 'boolean', default: false } },
});
const dir = await mkdtemp(join(tmpdir(), 'stowage-rehearsal-'));
try {
  await must('tsc', ['-b', ROOT], { timeoutMs: 600_000 });
  const packages = await publicPackages();
  const names = [...packages.keys()];
  const wanted = values.only?.split(',').map((name) => (name.startsWith('@') ? name : `@stowage/${name}`));
  for (const name of wanted ?? []) if (!packages.has(name)) throw new Error(`--only: there is no ${name}`);
  const nodes = [await newestNode(join(dir, 'node'), OLDER), await pinnedNode()];
  await using registry = await startNpmServer();
  const published = await publish(registry, names);
  console.log(`published ${published.size} packages to ${registry.url}`);
  await using scene = await openScene(join(dir, 'scene'), registry, nodes[1] ?? (await pinnedNode()));
  const queue = [...(wanted ?? names)];
  const done = new Map<string, Rehearsed>();
  const worker = async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      const [one, size] = [packages.get(name), published.get(name)];
      if (one === undefined || size === undefined) throw new Error(`${name} is not published`);
      const result = await rehearse(join(dir, 'alone', name.replace('/', '-')), one, size, nodes, scene);
      done.set(name, result);
      console.log(`${result.problem === undefined ? 'ok' : 'FAILED'} ${name}`);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
  const results = names.flatMap((name) => done.get(name) ?? []);
  console.log(`\n${table(results, nodes)}`);
  for (const { name, problem } of results) if (problem !== undefined) console.error(`\n${name}: ${problem}`);
  process.exitCode = results.some(({ problem }) => problem !== undefined) ? 1 : 0;
} finally {
  if (values.keep) console.log(`kept ${dir}`);
  else await rm(dir, { recursive: true, force: true });
}
