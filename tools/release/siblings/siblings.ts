import { join } from 'node:path';
import type { NpmRegistry } from '@stowage/testing';
import type { NodeVersion } from '../rehearse/nodes.ts';
import type { Package } from '../rehearse/packages.ts';
import { publish } from '../rehearse/publish.ts';
import { type Combination, combinationsOf, type Releases, releasedAs, tryOut } from './matrix.ts';
import { Scratch } from './scratch.ts';

export interface Tried extends Combination {
  readonly problem: string | undefined;
}

/**
 * Makes two releases by version plans in a copy of the checkout, a fix of everything and one that breaks promises, and
 * publishes them beside what the checkout has.
 */
export async function releaseTwice(
  dir: string,
  registry: NpmRegistry,
  now: ReadonlyMap<string, Package>,
): Promise<Releases> {
  const names = [...now.keys()];
  const scratch = await Scratch.make(dir);
  const make = async (kind: 'fix' | 'break') => {
    const tags = await scratch.release({ [kind === 'fix' ? 'patch' : breaking(now)]: names });
    const made = await scratch.packages();
    releasedAs(kind, now, made);
    const wanted = [...made].map(([name, { manifest }]) => `${name}@${manifest.version}`);
    const missing = wanted.filter((tag) => !tags.includes(tag));
    if (missing.length > 0) throw new Error(`a release by plan made no tags for ${missing.join(', ')}`);
    await publish(registry, names, scratch.dir);
    return made;
  };
  return { now, fix: await make('fix'), broken: await make('break') };
}

/** Below 1.0 the minor number takes the place of the major one. Of all packages together, the house has one or the other. */
function breaking(packages: ReadonlyMap<string, Package>): 'minor' | 'major' {
  const isBelowOne = [...packages.values()].map(({ manifest }) => manifest.version.startsWith('0.'));
  if (new Set(isBelowOne).size > 1) throw new Error('some packages are below 1.0 and some are not');
  return isBelowOne[0] === true ? 'minor' : 'major';
}

/** Tries all combinations of some packages with their peers, a few at a time. */
export async function trySiblings(
  dir: string,
  names: readonly string[],
  releases: Releases,
  registry: NpmRegistry,
  node: NodeVersion,
): Promise<readonly Tried[]> {
  const queue = names.flatMap((name) => combinationsOf(name, releases));
  const done: Tried[] = [];
  const worker = async () => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) {
      const at = join(dir, String(queue.length));
      const about = releases.now.get(one.name);
      if (about === undefined) throw new Error(`${one.name} is no package`);
      const problem = await tryOut(at, one, about, registry, node).then(
        () => undefined,
        (e: Error) => e.message,
      );
      done.push({ ...one, problem });
    }
  };
  await Promise.all([worker(), worker()]);
  return done;
}

/** One line for each package. */
export function siblingsTable(tried: readonly Tried[]): string {
  const names = [...new Set(tried.map(({ name }) => name))].sort();
  const width = Math.max(...names.map((name) => name.length), 7);
  const lines = names.map((name) => {
    const own = tried.filter((one) => one.name === name);
    const [fitting, others] = [own.filter(({ fits }) => fits), own.filter(({ fits }) => !fits)];
    const good = (all: readonly Tried[]) =>
      `${all.filter((one) => one.problem === undefined).length} of ${all.length}`;
    return `${name.padEnd(width)}  ${good(fitting).padEnd(10)}  ${good(others)}`;
  });
  return [`${'package'.padEnd(width)}  ${'work'.padEnd(10)}  are refused`, ...lines].join('\n');
}
