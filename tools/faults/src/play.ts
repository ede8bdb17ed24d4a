import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reasonOf } from '@stowage/core';
import type { Form, Nemesis } from './nemeses/nemesis.ts';
import type { Rule, Violation } from './oracle/violation.ts';
import { Rng } from './rng.ts';
import type { Scene } from './scene.ts';

export interface PlayOptions {
  readonly form: Form;
  /** Instead of the form's. */
  readonly rounds?: number | undefined;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly entry?: string | undefined;
  readonly clients?: number | undefined;
}

/** What became of one nemesis. */
export interface Outcome {
  readonly nemesis: string;
  readonly rounds: number;
  readonly acknowledged: number;
  /** Operations that failed, as is their right while harm is done. */
  readonly failed: number;
  /** Things lost, returned or dangling. */
  readonly lost: number;
  /** Things half done or not as written, and lies about them. */
  readonly torn: number;
  /** All else that broke a rule. */
  readonly other: number;
  readonly seed: number;
  readonly seconds: number;
  /** The longest that the daemon took to be ready. */
  readonly slowestReadyMs: number;
  /** What else the nemesis counted or measured. */
  readonly figures?: Readonly<Record<string, number>>;
  readonly skipped?: string;
  /** The first rule that was broken, and where all that is known of it is kept. */
  readonly violation?: string;
  readonly kept?: string;
}

/** Rounds from one `stowaged check` of the running daemon to the next. */
const CHECK_EVERY = 5;

const LOST: ReadonlySet<Rule> = new Set(['lost', 'returned', 'dangling']);
const TORN: ReadonlySet<Rule> = new Set(['half', 'torn', 'lie']);

/** Plays a nemesis until its rounds are over or one went wrong. */
export async function play(nemesis: Nemesis, options: PlayOptions): Promise<Outcome> {
  const { form, seed, signal } = options;
  const began = performance.now();
  const wanted = options.rounds ?? nemesis.rounds[form];
  const found: Violation[] = [];
  const scenes = new Set<Scene>();
  let places = 0;
  let rounds = 0;
  const skipped = await nemesis.missing();
  const base = await mkdtemp(join(tmpdir(), `stowage-faults-${nemesis.name}-`));
  let kept = base;
  const place = async () => {
    const dir = join(base, String(places++));
    await mkdir(dir);
    const { entry, clients } = options;
    return { dir, seed, entry, ...(clients !== undefined && { clients }) };
  };
  const isLast = () => rounds === wanted - 1;
  const more = () => rounds < wanted && found.length === 0 && !signal.aborted;
  const round = async (scene: Scene, harm: () => Promise<void>) => {
    scenes.add(scene);
    let dead: Violation | undefined;
    try {
      await harm();
    } catch (e) {
      dead = { rule: 'dead', message: reasonOf(e) };
    }
    if (dead === undefined && rounds % CHECK_EVERY === CHECK_EVERY - 1) await scene.runCheck?.();
    const violations = dead === undefined ? await scene.check() : [dead];
    // The daemon may have been told to end as well.
    if (signal.aborted) return;
    rounds += 1;
    found.push(...violations.map(({ rule, message }) => ({ rule, message: `round ${rounds}: ${message}` })));
    if (found.length === 0) return;
    await scene.keepEvidence(found);
    kept = scene.dir;
  };
  const rng = Rng.of(seed, ...Buffer.from(nemesis.name));
  if (skipped === undefined) {
    try {
      await nemesis.play({ form, rng, signal, place, more, isLast, round });
    } catch (e) {
      if (!signal.aborted) found.push({ rule: 'dead', message: `it can't be played: ${reasonOf(e)}` });
    }
  }
  const count = (rules: ReadonlySet<Rule>) => found.filter(({ rule }) => rules.has(rule)).length;
  const sum = (of: (scene: Scene) => number) => [...scenes].reduce((all, scene) => all + of(scene), 0);
  const [lost, torn] = [count(LOST), count(TORN)];
  const [first] = found;
  if (first === undefined) await rm(base, { recursive: true, force: true });
  return {
    nemesis: nemesis.name,
    rounds,
    acknowledged: sum((scene) => scene.acknowledged),
    failed: sum((scene) => scene.failed),
    lost,
    torn,
    other: found.length - lost - torn,
    seed,
    slowestReadyMs: Math.round(Math.max(0, ...[...scenes].map((scene) => scene.slowestReadyMs))),
    seconds: Math.round((performance.now() - began) / 100) / 10,
    ...figuresOf(scenes),
    ...(skipped !== undefined && { skipped }),
    ...(first !== undefined && { violation: `${first.rule}: ${first.message}`, kept }),
  };
}

/** Of scenes with figures there is one in a nemesis. */
function figuresOf(scenes: ReadonlySet<Scene>): Pick<Outcome, 'figures'> {
  const all = [...scenes].flatMap(({ figures }) => (figures === undefined ? [] : [figures]));
  return all.length === 0 ? {} : { figures: Object.assign({}, ...all) };
}
