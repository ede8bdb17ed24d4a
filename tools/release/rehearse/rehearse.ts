import { join } from 'node:path';
import { type Adaptation, adaptations } from './adapt.ts';
import { compile, type Example, exampleOf, runExample } from './example.ts';
import { install, more } from './install.ts';
import type { NodeVersion } from './nodes.ts';
import type { Package } from './packages.ts';
import type { Published } from './publish.ts';
import type { Scene } from './scene.ts';

export interface Rehearsed extends Published {
  /** Of the package and all that it brings. */
  readonly installedBytes: number;
  readonly packages: number;
  /** What was found on which Node: of its major version. */
  readonly outcomes: ReadonlyMap<number, 'ok' | 'compiled' | 'FAILED' | '–'>;
  /** Why it was not run, or what else is to be said. */
  readonly remark: string;
  readonly problem: string | undefined;
}

/** A Node, and where its programs play. */
export interface Stage {
  readonly node: NodeVersion;
  readonly scene: Scene;
}

/** Where the examples of READMEs have what they make. */
const EXAMPLE_PATHS = /\/(?:var\/)?(?:tmp|run)\/example/g;
const DAEMON_ADDRESS = '/run/stowage/stowage.sock';

/** Installs one package into an empty folder, and runs the first example of its README there. Never throws. */
export async function rehearse(
  dir: string,
  { place, manifest: { name } }: Package,
  published: Published,
  stages: readonly Stage[],
): Promise<Rehearsed> {
  const outcomes = new Map<number, 'ok' | 'compiled' | 'FAILED' | '–'>();
  let [installedBytes, packages, remark] = [0, 0, ''];
  const [first] = stages;
  if (first === undefined) throw new Error('no Node to rehearse on');
  try {
    const installed = await install(dir, [name], first.scene.npm, first.node);
    installedBytes = installed.sizeBytes;
    packages = installed.packages.length;
    const adaptation = adaptations[name] ?? {};
    const example = await exampleOf(place);
    if (example === undefined && adaptation.command === undefined) {
      remark = 'its README shows no program';
      for (const { node } of stages) outcomes.set(node.major, '–');
    } else if (adaptation.command !== undefined) {
      for (const { node, scene } of stages) {
        outcomes.set(node.major, 'FAILED');
        await adaptation.command(scene, dir, node);
        outcomes.set(node.major, 'ok');
      }
    } else if (example !== undefined) {
      const others = example.installs.filter((one) => one !== name);
      await more(dir, others, first.node);
      if (others.length > 0) remark = `with ${others.map((one) => one.replace('@stowage/', '')).join(', ')}`;
      await play(dir, example, adaptation, stages, outcomes);
      const { onlyCompiled } = adaptation;
      if (onlyCompiled !== undefined) remark = [remark, onlyCompiled].filter(Boolean).join('; ');
    }
    return { ...published, installedBytes, packages, outcomes, remark, problem: undefined };
  } catch (e) {
    const problem = (e as Error).message;
    return { ...published, installedBytes, packages, outcomes, remark, problem };
  }
}

async function play(
  dir: string,
  example: Example,
  { onlyCompiled, replace, env, prepare }: Adaptation,
  stages: readonly Stage[],
  outcomes: Map<number, 'ok' | 'compiled' | 'FAILED' | '–'>,
): Promise<void> {
  for (const { node, scene } of stages) {
    outcomes.set(node.major, 'FAILED');
    const own = join(dir, `example-${node.major}`);
    let text = example.text.replaceAll(DAEMON_ADDRESS, scene.address);
    for (const [was, is] of replace?.(scene) ?? []) {
      if (!text.includes(was)) throw new Error(`its example says ${was} no more`);
      text = text.replaceAll(was, is);
    }
    // Where examples have what they make.
    const program = await compile(dir, example, text.replaceAll(EXAMPLE_PATHS, own));
    if (onlyCompiled === undefined) {
      await prepare?.(scene, own);
      const prints = example.prints?.replaceAll(EXAMPLE_PATHS, own);
      await runExample(program, node, prints, env?.(scene, own) ?? {});
    }
    outcomes.set(node.major, onlyCompiled === undefined ? 'ok' : 'compiled');
  }
}
