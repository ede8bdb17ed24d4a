import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault, type Mount } from '@stowage/core';
import { tar } from '../tar-writer.ts';
import type { Workspace } from '../workspace.ts';
import { baseTree } from './base.ts';
import type { Peer } from './containerd.ts';
import {
  asContainerdHasIt,
  asGnuTarHasIt,
  incomparableToContainerd,
  incomparableToGnuTar,
  isContainerdsOwnRefusal,
  isOurOwnRefusal,
} from './differences.ts';
import { archiveOf, packed } from './encode.ts';
import type { GnuTar } from './gnu-tar.ts';
import type { Outside } from './outside.ts';
import type { Plan } from './plan.ts';
import type { Compared, Finding, FindingKind, Report } from './report.ts';
import type { Subject } from './subject.ts';
import { startSwapper } from './swapper.ts';
import { differenceOf, type Tree, treeOf } from './tree.ts';

export interface GameParts {
  readonly at: Workspace;
  readonly outside: Outside;
  readonly subject: Subject;
  readonly gnuTar: GnuTar | undefined;
  readonly peer: Peer | undefined;
}

export interface RoundOptions {
  readonly withPeer: boolean;
  readonly withSwapper: boolean;
}

/** What came of one unpack. */
type Outcome =
  | { readonly how: 'applied'; readonly needsBelow: boolean }
  | { readonly how: 'refused'; readonly why: string }
  | { readonly how: 'unclear'; readonly text: string };

interface Found {
  readonly kind: FindingKind;
  readonly text: string;
}

const HANG_MS = 120_000;

/** An archive that is raced with repeats its entries up to so many, to leave the other time. */
const RACED_ENTRIES = 200;

/** Plays archives one after the other, and counts. */
export class Game {
  readonly #parts: GameParts;
  readonly #base: string;
  readonly #baseArchive: Buffer;
  readonly #compared: Compared = { overlay: 0, lone: 0, gnuTar: 0, containerd: 0 };
  readonly #findings: Finding[] = [];
  #archives = 0;
  #applied = 0;
  #refused = 0;
  #swaps = 0;

  private constructor(parts: GameParts) {
    this.#parts = parts;
    this.#base = join(parts.at.root, 'base');
    this.#baseArchive = tar(...baseTree(parts.outside.canary));
  }

  static async prepare(parts: GameParts): Promise<Game> {
    const game = new Game(parts);
    await game.#baseAt('base');
    return game;
  }

  get report(): Report {
    return {
      archives: this.#archives,
      applied: this.#applied,
      refused: this.#refused,
      compared: { ...this.#compared },
      swaps: this.#swaps,
      findings: this.#findings,
    };
  }

  async round(plan: Plan, options: RoundOptions): Promise<void> {
    const { found, how } = await this.#try(plan, options, this.#compared);
    this.#archives++;
    if (how === 'applied') this.#applied++;
    else this.#refused++;
    if (found === undefined) return;
    const small = found.kind === 'difference' ? await this.#shrunk(plan, options) : plan;
    this.#findings.push({ ...found, seed: plan.seed, plan: small });
  }

  async lookAtHost(plan: Plan): Promise<void> {
    const text = await this.#parts.outside.hostTouched();
    if (text !== undefined) this.#findings.push({ kind: 'escape', text, seed: plan.seed, plan });
  }

  /** Without the entries that do not matter. */
  async #shrunk(plan: Plan, options: RoundOptions): Promise<Plan> {
    const ignored: Compared = { overlay: 0, lone: 0, gnuTar: 0, containerd: 0 };
    let small = plan;
    for (let i = small.entries.length - 1; i >= 0; i--) {
      const less = { ...small, entries: small.entries.filter((_, at) => at !== i) };
      const { found } = await this.#try(less, { ...options, withSwapper: false }, ignored);
      if (found?.kind === 'difference') small = less;
    }
    return small;
  }

  async #try(
    plan: Plan,
    { withPeer, withSwapper }: RoundOptions,
    compared: Compared,
  ): Promise<{ found: Found | undefined; how: Outcome['how'] }> {
    const { gnuTar, peer } = this.#parts;
    const archive = archiveOf(plan);
    const bytes = packed(plan, archive);
    const native = await this.#native(bytes);
    const how = native.outcome.how;
    const steps: (() => Promise<Found | undefined>)[] = [
      async () => native.found,
      async () => this.#overlays(bytes, native, compared),
      async () =>
        gnuTar === undefined ? undefined : this.#gnuTar(plan, gnuTar, archive, native.tree, compared),
      async () =>
        withPeer && peer !== undefined ? this.#peer(plan, peer, archive, native, compared) : undefined,
      async () => (withSwapper ? this.#raced(plan) : undefined),
    ];
    let found: Found | undefined;
    for (const step of steps) found ??= await step();
    await this.#clear();
    return { found, how };
  }

  async #native(
    bytes: Uint8Array,
  ): Promise<{ outcome: Outcome; found: Found | undefined; tree: Tree | undefined }> {
    const { path, mounts } = await this.#baseAt('native');
    const { outcome, found } = await this.#apply(mounts, bytes, 'into a directory');
    return { outcome, found, tree: outcome.how === 'applied' ? treeOf(path) : undefined };
  }

  /** Over the base as an overlay, and without it, to be laid over it later. Both come to the same. */
  async #overlays(
    bytes: Uint8Array,
    native: { outcome: Outcome; tree: Tree | undefined },
    compared: Compared,
  ): Promise<Found | undefined> {
    const over = await this.#overlayMounts('overlay');
    const first = await this.#apply(over.mounts, bytes, 'into an overlay');
    if (first.found !== undefined) return first.found;
    if (first.outcome.how !== native.outcome.how) {
      return {
        kind: 'difference',
        text: `a directory: ${native.outcome.how}; an overlay: ${first.outcome.how}`,
      };
    }
    if (native.tree !== undefined) {
      compared.overlay++;
      const tree = await this.#seen(over.mounts);
      const text = differenceOf(native.tree, tree, ['directory', 'overlay']);
      if (text.length > 0) return { kind: 'difference', text: text.join('\n') };
    }
    const lone = await this.#overlayMounts('lone');
    const withoutLower = lone.mounts.map((mount) => ({
      ...mount,
      options: mount.options.filter((option) => !option.startsWith('lowerdir=')),
    }));
    const second = await this.#apply(withoutLower, bytes, 'into an overlay without lower layers');
    if (second.found !== undefined) return second.found;
    if (second.outcome.how !== 'applied' || second.outcome.needsBelow || native.tree === undefined)
      return undefined;
    compared.lone++;
    const view = { type: 'overlay', source: 'overlay', options: [`lowerdir=${lone.upper}:${this.#base}`] };
    const text = differenceOf(native.tree, await this.#seen([view]), ['directory', 'lone layer']);
    return text.length > 0 ? { kind: 'difference', text: text.join('\n') } : undefined;
  }

  async #gnuTar(
    plan: Plan,
    gnuTar: GnuTar,
    archive: Uint8Array,
    tree: Tree | undefined,
    compared: Compared,
  ): Promise<Found | undefined> {
    if (tree === undefined || incomparableToGnuTar(plan) !== undefined) return undefined;
    const { path } = await this.#baseAt('gnu');
    if (!(await gnuTar.extract(archive, path))) return undefined;
    compared.gnuTar++;
    const text = differenceOf(asGnuTarHasIt(tree), asGnuTarHasIt(treeOf(path)), ['ours', 'GNU tar']);
    return text.length > 0 ? { kind: 'difference', text: text.join('\n') } : undefined;
  }

  async #peer(
    plan: Plan,
    peer: Peer,
    archive: Uint8Array,
    native: { outcome: Outcome; tree: Tree | undefined },
    compared: Compared,
  ): Promise<Found | undefined> {
    if (incomparableToContainerd(plan) !== undefined) return undefined;
    const { path, mounts } = await this.#baseAt('peer');
    const refusal = await peer.apply(mounts, archive);
    compared.containerd++;
    if (refusal !== undefined) {
      if (native.tree === undefined || isContainerdsOwnRefusal(refusal)) return undefined;
      return { kind: 'difference', text: `ours: applied; containerd: ${refusal}` };
    }
    if (native.tree === undefined) {
      if (native.outcome.how === 'refused' && isOurOwnRefusal(native.outcome.why)) return undefined;
      return { kind: 'difference', text: `ours: ${JSON.stringify(native.outcome)}; containerd: applied` };
    }
    const [ours, theirs] = [native.tree, treeOf(path)].map((tree) => asContainerdHasIt(plan, tree));
    const text = differenceOf(ours as Tree, theirs as Tree, ['ours', 'containerd']);
    return text.length > 0 ? { kind: 'difference', text: text.join('\n') } : undefined;
  }

  /** While somebody swaps directories and links in there. Only what is outside matters. */
  async #raced(plan: Plan): Promise<Found | undefined> {
    const { at, outside } = this.#parts;
    const times = Math.ceil(RACED_ENTRIES / plan.entries.length);
    const entries = Array.from({ length: times }, () => plan.entries).flat();
    const bytes = packed(plan, archiveOf({ ...plan, entries }));
    const aside = join(at.root, 'swap');
    await mkdir(aside);
    const native = await this.#baseAt('swap-native');
    const over = await this.#overlayMounts('swap-overlay');
    for (const { tree, mounts } of [
      { tree: native.path, mounts: native.mounts },
      { tree: over.upper, mounts: over.mounts },
    ]) {
      await using swapper = await startSwapper(tree, aside, outside.canary);
      const { found } = await this.#apply(mounts, bytes, 'while others swapped');
      this.#swaps += swapper.swaps;
      if (found?.kind === 'escape' || (found !== undefined && /TimeoutError|internal/.test(found.text)))
        return found;
    }
    return undefined;
  }

  /** One unpack, and a look at what is outside. */
  async #apply(
    mounts: readonly Mount[],
    bytes: Uint8Array,
    where: string,
  ): Promise<{ outcome: Outcome; found: Found | undefined }> {
    const { at, subject, outside } = this.#parts;
    const outcome = await subject(at, mounts, bytes, AbortSignal.timeout(HANG_MS)).then(
      ({ needsBelow }): Outcome => ({ how: 'applied', needsBelow }),
      outcomeOf,
    );
    const touched = await outside.touched();
    if (touched !== undefined) return { outcome, found: { kind: 'escape', text: `${where}: ${touched}` } };
    if (outcome.how !== 'unclear') return { outcome, found: undefined };
    return { outcome, found: { kind: 'unclear', text: `${where}: ${outcome.text}` } };
  }

  async #baseAt(name: string): Promise<{ path: string; mounts: Mount[] }> {
    const { at } = this.#parts;
    const made = await at.bind(name);
    await at.apply(made.mounts, this.#baseArchive);
    return made;
  }

  async #overlayMounts(name: string): Promise<{ upper: string; mounts: Mount[] }> {
    const { at } = this.#parts;
    const upper = await at.directory(`${name}-upper`);
    const work = await at.directory(`${name}-work`);
    const options = [`workdir=${work}`, `upperdir=${upper}`, `lowerdir=${this.#base}`];
    return { upper, mounts: [{ type: 'overlay', source: 'overlay', options }] };
  }

  async #seen(mounts: readonly Mount[]): Promise<Tree> {
    return this.#parts.at.see(mounts, async (path) => treeOf(path));
  }

  async #clear(): Promise<void> {
    const names = ['native', 'overlay-upper', 'overlay-work', 'lone-upper', 'lone-work', 'gnu', 'peer'];
    for (const name of [...names, 'swap', 'swap-native', 'swap-overlay-upper', 'swap-overlay-work']) {
      await rm(join(this.#parts.at.root, name), { recursive: true, force: true });
    }
  }
}

/** A layer that is laid over others later may need them; all other refusals are of the archive. */
function outcomeOf(e: unknown): Outcome {
  if (Fault.is(e, 'invalid_argument')) return { how: 'refused', why: e.message };
  if (Fault.is(e, 'failed_precondition') && e.message.includes('needs those below'))
    return { how: 'refused', why: e.message };
  return { how: 'unclear', text: Fault.is(e) ? `${e.kind}: ${e.message}` : String(e) };
}
