import { Fault } from './fault.ts';
import { quote } from './identifiers.ts';
import type { Logger } from './logger.ts';
import type { Platform } from './platform.ts';

/**
 * A place in the engine that plugins fill. Matched by `type`, `id` and `api`, never by object identity, because
 * two copies of an interface package in one program are normal.
 */
export interface Slot<T> {
  /** As containerd spells it, where it has one: `io.containerd.snapshotter.v1`. */
  readonly type: string;
  /** Set where only one plugin of the type will do. */
  readonly id?: string | undefined;
  /** Raised when the interface behind the slot changes so that old plugins no longer fit. */
  readonly api: number;
  /** Carries `T` for the type checker only; never set. */
  readonly '@stowage/slot'?: () => T;
}

/** What a plugin asks for: exactly one filler, one if there is one, or all there are, at its start or at any time. */
export type Need<T> = Slot<T> | OptionalNeed<T> | AllNeed<T> | LiveNeed<T>;
export interface OptionalNeed<T> {
  readonly optional: Slot<T>;
}
export interface AllNeed<T> {
  readonly all: Slot<T>;
}
export interface LiveNeed<T> {
  readonly live: Slot<T>;
}

/** One filler if there is one, else undefined. */
export function optional<T>(slot: Slot<T>): OptionalNeed<T> {
  return { optional: slot };
}

/** All fillers by plugin id, possibly none, in the order in which they were listed. */
export function all<T>(slot: Slot<T>): AllNeed<T> {
  return { all: slot };
}

/**
 * As {@link all}, but the map goes on to tell what there is: a plugin that is added to the running engine appears in it
 * at the end, one that is removed disappears. For plugins that ask the map at each use and keep no copy.
 */
export function live<T>(slot: Slot<T>): LiveNeed<T> {
  return { live: slot };
}

export type Needs = Readonly<Record<string, Need<unknown>>>;

/** What `start` is given for a need. */
export type Met<N> = N extends AllNeed<infer T> | LiveNeed<infer T>
  ? ReadonlyMap<string, T>
  : N extends OptionalNeed<infer T>
    ? T | undefined
    : N extends Slot<infer T>
      ? T
      : never;

export interface StartContext<C = unknown, N extends Needs = Needs> {
  /** A directory of the plugin's own that lasts: `<root>/<type>.<id>`. Not yet made. */
  readonly root: string;
  /** A directory of the plugin's own that goes at reboot. Not yet made. */
  readonly state: string;
  readonly config: C;
  readonly needs: { readonly [K in keyof N]: Met<N[K]> };
  /** Facts for introspection (`root`, `enable_remote_snapshot_annotations`); may be added to while starting. */
  readonly exports: Map<string, string>;
  /** What it turns out to be able to do on this machine; may be added to while starting. Holds the descriptor's. */
  readonly capabilities: Set<string>;
  readonly log: Logger;
  /** Fires when the engine stops or gives up starting. */
  readonly signal: AbortSignal;
}

/**
 * What a package offers the engine: a value. Importing it does nothing; the engine parses `config`, starts it
 * after what it needs, and disposes what `start` gave (if it has `Symbol.asyncDispose` or `Symbol.dispose`)
 * before what it needs.
 */
export interface Plugin<T = unknown, C = unknown, N extends Needs = Needs> {
  readonly slot: Slot<T>;
  readonly id: string;
  /**
   * Reads the plugin's table of the config file; `{}` if there is none. Unknown keys are an error.
   * @throws Fault `invalid_argument` naming the key and what was expected.
   */
  readonly config?: (table: Readonly<Record<string, unknown>>) => C;
  /** The table of settings at their defaults, as it stands in a printed config file. */
  readonly defaults?: Readonly<Record<string, unknown>>;
  readonly platforms?: readonly Platform[];
  /** What it can do wherever it starts. */
  readonly capabilities?: readonly string[];
  readonly needs?: N;
  /** @throws Skip if it can't work on this machine; anything else counts as broken. */
  start(context: StartContext<C, N>): Promise<T> | T;
}

/** Checks a descriptor's types where it is written and forgets them for the list. */
export function plugin<T, C, const N extends Needs = Record<never, never>>(
  descriptor: Plugin<T, C, N>,
): Plugin {
  return descriptor as unknown as Plugin;
}

/** "Not here", as opposed to "broken": the machine lacks what the plugin needs. Says precisely what. */
export class Skip extends Error {
  override readonly name = 'Skip';
  /** The config does not ask for it, so it would not start with other plugins either. */
  readonly unwanted: boolean;

  constructor(message: string, options: ErrorOptions & { readonly unwanted?: boolean } = {}) {
    super(message, options);
    this.unwanted = options.unwanted ?? false;
  }

  static is(e: unknown): e is Skip {
    return (e as Partial<Error> | null | undefined)?.name === 'Skip';
  }
}

/** How a plugin came up. */
export interface PluginStatus {
  readonly type: string;
  readonly id: string;
  /** Types of the slots it needs. */
  readonly requires: readonly string[];
  readonly platforms: readonly Platform[];
  readonly capabilities: readonly string[];
  readonly exports: ReadonlyMap<string, string>;
  readonly state: 'ok' | 'skipped' | 'failed';
  /** Why it is not `ok`. */
  readonly error?: Error | undefined;
}

/** The engine fills this one itself: the state of every plugin, as of the call. */
export const pluginListSlot: Slot<() => readonly PluginStatus[]> = { type: 'stowage.plugins.v1', api: 1 };

/** The engine that a plugin is part of, as far as it changes while it runs. */
export interface PluginHost {
  /**
   * Starts a plugin. Those that take all of its kind at any time ({@link live}) have it when this returns.
   *
   * @throws Fault `already_exists` if there is one of its slot and id; `failed_precondition` if somebody takes its kind at
   *   the start only, naming who, or the engine is still starting or stops already; `invalid_argument` if it has needs of
   *   its own; otherwise what it failed with. Nothing of it is left then.
   */
  add(plugin: Plugin): Promise<PluginStatus>;
  /**
   * Takes a plugin from those that have it, then disposes what it gave.
   *
   * @throws Fault `not_found`; `failed_precondition` as for {@link add}. What disposing it threw: it is gone all the same.
   */
  remove(type: string, id: string): Promise<void>;
}

/** The engine fills this one too: itself. It can be used once all plugins are up. */
export const pluginHostSlot: Slot<PluginHost> = { type: 'stowage.plugin-host.v1', api: 1 };

/** A `config` for plugins without settings. */
export function noConfig(table: Readonly<Record<string, unknown>>): Record<string, never> {
  const [key] = Object.keys(table);
  if (key !== undefined)
    throw new Fault('invalid_argument', `${quote(key)}: unknown key, this plugin has no settings`);
  return {};
}
