import type { CallOptions } from '@stowage/core';
import { type Reached, walk } from '../graph.ts';
import type { FactSource } from './fact.ts';
import { type Holder, holdersIn } from './holders.ts';
import { type Known, type Survey, survey } from './survey.ts';
import { type Unit, unitsOf } from './units.ts';

/** All that there is at one moment, walked, and seen from several sides. */
export class Picture {
  readonly survey: Survey;
  readonly reached: Reached;
  /** Who keeps each object. */
  readonly holders: ReadonlyMap<string, readonly Holder[]>;
  readonly units: ReadonlyMap<string, Unit>;

  private constructor(
    survey: Survey,
    reached: Reached,
    holders: ReadonlyMap<string, readonly Holder[]>,
    units: ReadonlyMap<string, Unit>,
  ) {
    this.survey = survey;
    this.reached = reached;
    this.holders = holders;
    this.units = units;
  }

  /** @param namespace - enough for what keeps an object; what is on the disk takes them all: undefined. */
  static async take(
    source: FactSource,
    namespace: string | undefined,
    options: CallOptions,
  ): Promise<Picture> {
    options.signal?.throwIfAborted();
    const graph = await survey(source.facts(namespace, options), source.now(), options);
    const reached = await walk(graph);
    return new Picture(graph, reached, await holdersIn(graph, options), await unitsOf(graph, options));
  }

  get nodes(): ReadonlyMap<string, Known> {
    return this.survey.nodes;
  }

  /** Whether anything keeps it. */
  isLive(key: string): boolean {
    return this.reached.full.has(key) || this.reached.flat.has(key);
  }
}
