import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { unlessAbsent } from '@stowage/core';
import type { NpmRegistry } from '@stowage/testing';
import { exampleOf } from '../rehearse/example.ts';
import { install } from '../rehearse/install.ts';
import type { NodeVersion } from '../rehearse/nodes.ts';
import type { Package } from '../rehearse/packages.ts';
import { next, oldestOf, takes } from './caret.ts';
import { obtain } from './obtain.ts';
import { smoke } from './smoke.ts';

/** Three releases of each package: what the checkout has, a fix on top of it, and one that breaks promises. */
export interface Releases {
  readonly now: ReadonlyMap<string, Package>;
  readonly fix: ReadonlyMap<string, Package>;
  readonly broken: ReadonlyMap<string, Package>;
}

export interface Combination {
  readonly name: string;
  readonly version: string;
  /** Siblings that it needs as peers, with their versions. */
  readonly peers: readonly string[];
  /** Whether the package's own ranges take them all. */
  readonly fits: boolean;
}

/** Of a package with each release of those that it needs as peers: what must work, and what npm must refuse. */
export function combinationsOf(name: string, { now, fix, broken }: Releases): readonly Combination[] {
  const [today, fixed, next] = [now.get(name), fix.get(name), broken.get(name)];
  if (today === undefined || fixed === undefined || next === undefined)
    throw new Error(`${name} was not released`);
  const peers = peersOf(today);
  if (peers.size === 0) return [];
  const oldest = [...peersOf(fixed)].map(([peer, range]) => `${peer}@${oldestOf(range)}`);
  const newest = [...peers.keys()].map((peer) => `${peer}@${versionOf(fix, peer)}`);
  const combination = (one: Package, chosen: readonly string[]): Combination => ({
    name,
    version: one.manifest.version,
    peers: chosen,
    fits: chosen.every((spec) => fitsPeer(one, spec)),
  });
  return [
    combination(fixed, oldest),
    combination(today, newest),
    // One of them at a time is of a release that breaks promises, and the other way about.
    ...[...peers.keys()].map((peer) => combination(today, [`${peer}@${versionOf(broken, peer)}`])),
    ...[...peers.keys()].map((peer) => combination(next, [`${peer}@${versionOf(now, peer)}`])),
  ];
}

/**
 * Installs a combination and uses it, or sees npm refuse it.
 *
 * @throws Error if it does not install or work though it fits, or installs though it does not.
 */
export async function tryOut(
  dir: string,
  { name, version, peers, fits }: Combination,
  one: Package,
  registry: NpmRegistry,
  node: NodeVersion,
): Promise<void> {
  for (const spec of peers) await obtain(registry, ...split(spec));
  const wanted = [`${name}@${version}`, ...peers];
  if (!fits) {
    const refused = await install(dir, wanted, registry, node).then(
      () => undefined,
      (e: Error) => e.message,
    );
    if (refused === undefined) throw new Error('npm installs them, though they do not fit');
    if (!/ERESOLVE/.test(refused)) throw new Error(`npm refuses them for another reason: ${refused}`);
    return;
  }
  // What its README has one install besides goes with it: of ours what the checkout has, which was published first, or a fix.
  const example = await exampleOf(one.place);
  const named = new Set(wanted.map((spec) => split(spec)[0]));
  const others = (example?.installs ?? []).filter((other) => !named.has(other));
  const besides = others.map((other) => (isOurs(other) ? `${other}@^${registry.versions(other)[0]}` : other));
  const optional = optionalPeersOf(one).filter((other) => !named.has(other) && !others.includes(other));
  const installed = await install(
    dir,
    [...wanted, ...besides, ...optional.map(inRange(one))],
    registry,
    node,
  );
  for (const spec of wanted)
    if (!installed.packages.includes(spec)) throw new Error(`npm installed another version than ${spec}`);
  // Others may have another version of a peer below them. It must not.
  const below = join(dir, 'node_modules', name, 'node_modules/@stowage');
  const own = (await unlessAbsent(readdir(below)))?.map((folder) => `@stowage/${folder}`) ?? [];
  const twice = own.filter((other) => named.has(other));
  if (twice.length > 0) throw new Error(`it has its own ${twice.join(', ')}`);
  await smoke(dir, one, node);
}

/** Siblings that it can't do without and does not bring. */
function peersOf({ manifest: { peerDependencies = {}, peerDependenciesMeta = {} } }: Package) {
  const all = Object.entries(peerDependencies);
  return new Map(all.filter(([peer]) => isOurs(peer) && peerDependenciesMeta[peer]?.optional !== true));
}

function optionalPeersOf({ manifest: { peerDependenciesMeta = {} } }: Package): readonly string[] {
  return Object.keys(peerDependenciesMeta);
}

function inRange({ manifest: { peerDependencies = {} } }: Package): (peer: string) => string {
  return (peer) => `${peer}@${peerDependencies[peer] ?? '*'}`;
}

function fitsPeer({ manifest: { peerDependencies = {} } }: Package, spec: string): boolean {
  const [peer, version] = split(spec);
  return takes(peerDependencies[peer] ?? '', version);
}

function versionOf(release: ReadonlyMap<string, Package>, name: string): string {
  const version = release.get(name)?.manifest.version;
  if (version === undefined) throw new Error(`${name} was not released`);
  return version;
}

/** That a release did what was planned. @throws Error naming the packages that it left out. */
export function releasedAs(
  kind: 'fix' | 'break',
  now: ReadonlyMap<string, Package>,
  made: ReadonlyMap<string, Package>,
): void {
  for (const [name, { manifest }] of now)
    if (versionOf(made, name) !== next(manifest.version, kind))
      throw new Error(`a release by plan made ${name} ${versionOf(made, name)}, of ${manifest.version}`);
}

function isOurs(name: string): boolean {
  return name.startsWith('@stowage/');
}

function split(spec: string): readonly [name: string, version: string] {
  const at = spec.lastIndexOf('@');
  return [spec.slice(0, at), spec.slice(at + 1)];
}
