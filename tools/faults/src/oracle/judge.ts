import { isRoot, type Key, reachable, refsOf } from '../model/keys.ts';
import { described, type Thing } from '../model/thing.ts';
import type { Begin, World } from '../model/world.ts';
import type { Violation } from './violation.ts';

export interface JudgeOptions {
  /** Whether things may be gone that nobody promised to sync: ingests, of which only a commit is durable. */
  readonly unsynced?: boolean;
}

/**
 * Compares what was found after two collections with what the journal allows: all that was acknowledged, and each open
 * operation wholly or not at all. What nothing keeps must be gone.
 */
export function judge(
  world: World,
  found: ReadonlyMap<Key, Thing>,
  { unsynced = false }: JudgeOptions = {},
): Violation[] {
  const open = world.open();
  const told = withOurs(world, found);
  const kept = reachable(told);
  const mayBeKept = reachable(told, world.expected());
  const allowed = allowedStates(world);
  const violations: Violation[] = [];
  for (const [key, states] of allowed) {
    if (unsynced && !told.has(key) && states.some((state) => state?.kind === 'ingest')) continue;
    const violation = judgeOne(key, states, told.get(key), kept.has(key));
    if (violation !== undefined) violations.push(violation);
  }
  for (const begun of open) if (isHalf(world, begun, told, kept)) violations.push(half(begun, told));
  for (const [key, thing] of told) {
    if (!allowed.has(key)) violations.push({ rule: 'stranger', message: `${key}: nobody made it` });
    if (!mayBeKept.has(key)) violations.push({ rule: 'garbage', message: `${key}: nothing keeps it` });
    if (thing.kind === 'edge') continue;
    for (const ref of refsOf(thing))
      if (!told.has(ref))
        violations.push({ rule: 'dangling', message: `${key} refers to ${ref}, not there` });
  }
  return violations;
}

/** What was found, with what only the journal knows, such as whether a lease alone keeps an ingest. */
function withOurs(world: World, found: ReadonlyMap<Key, Thing>): Map<Key, Thing> {
  const allowed = allowedStates(world);
  return new Map(
    [...found].map(([key, thing]) => {
      const known = (allowed.get(key) ?? []).find(
        (one) => one !== undefined && described(one) === described(thing),
      );
      return [key, known ?? thing];
    }),
  );
}

/** For each key what it may be; undefined: not there. */
function allowedStates(world: World): Map<Key, Array<Thing | undefined>> {
  const states = new Map<Key, Array<Thing | undefined>>();
  for (const [key, { thing }] of world.entries()) states.set(key, [thing]);
  for (const { effects, maybe } of world.open())
    for (const { key, thing } of [...effects, ...maybe]) {
      const known = states.get(key) ?? [undefined];
      states.set(key, [...known, thing ?? undefined]);
    }
  return states;
}

function judgeOne(
  key: Key,
  states: ReadonlyArray<Thing | undefined>,
  found: Thing | undefined,
  isKept: boolean,
): Violation | undefined {
  if (states.some((state) => isSame(state, found))) return undefined;
  const made = states.filter((state) => state !== undefined);
  if (found === undefined) {
    if (!isKept && made.some((state) => !isRoot(state))) return undefined;
    return { rule: 'lost', message: `${key}: acknowledged, and not there` };
  }
  if (made.length === 0) return { rule: 'returned', message: `${key}: its deletion was acknowledged` };
  const wanted = made.map(described).join(' or ');
  return { rule: 'torn', message: `${key}: is ${described(found)}, must be ${wanted}` };
}

/**
 * Whether some of an operation's effects show and others don't. One that garbage collection could undo shows nothing,
 * nor does an ingest: it is progress, and a crash while it becomes a blob may cost it.
 */
function isHalf(
  world: World,
  { effects }: Begin,
  found: ReadonlyMap<Key, Thing>,
  kept: ReadonlySet<Key>,
): boolean {
  const shows = effects.map(({ key, thing }) => {
    const after = thing ?? undefined;
    const before = world.get(key);
    const now = found.get(key);
    if (isSame(before, after) || (before ?? after)?.kind === 'ingest') return 'either';
    if (now === undefined && !kept.has(key) && [before, after].some((one) => one && !isRoot(one)))
      return 'either';
    if (isSame(now, after)) return 'after';
    return isSame(now, before) ? 'before' : 'either';
  });
  return shows.includes('before') && shows.includes('after');
}

function half({ n, operation, effects }: Begin, found: ReadonlyMap<Key, Thing>): Violation {
  const parts = effects.map(({ key, thing }) => {
    const is = found.has(key) ? 'there' : 'not there';
    return `${key} is ${is}, after it ${thing === null ? 'gone' : 'there'}`;
  });
  return { rule: 'half', message: `operation ${n}, ${operation}: ${parts.join('; ')}` };
}

function isSame(a: Thing | undefined, b: Thing | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return described(a) === described(b);
}
