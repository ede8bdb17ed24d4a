import type { CallOptions } from '@stowage/core';
import { type Reached, walk } from '../graph.ts';
import type { FactSource } from './fact.ts';
import { type Holder, holdersIn } from './holders.ts';
import { type Known, type Survey, survey } from './survey.ts';
import { type Unit, unitsOf } from './units.ts';

/** All that there is at one moment, walked; seen from several sides, each made when it is first looked at. */
export class Picture {
  readonly survey: Survey;
  readonly reached: Reached;
  #holders: ReadonlyMap<string, readonly Holder[]> | undefined;
  #units: ReadonlyMap<string, Unit> | undefined;

  constructor(survey: Survey, reached: Reached) {
    this.survey = survey;
    this.reached = reached;
  }

  /** @param namespace - enough for what keeps an object; what is on the disk takes them all: undefined. */
  static async take(
    source: FactSource,
    namespace: string | undefined,
    options: CallOptions,
  ): Promise<Picture> {
    options.signal?.throwIfAborted();
    const graph = await survey(source.facts(namespace, options), source.now(), options);
    return new Picture(graph, await walk(graph));
  }

  get nodes(): ReadonlyMap<string, Known> {
    return this.survey.nodes;
  }

  /** Who keeps each object. */
  get holders(): ReadonlyMap<string, readonly Holder[]> {
    this.#holders ??= holdersIn(this.survey);
    return this.#holders;
  }

  get units(): ReadonlyMap<string, Unit> {
    this.#units ??= unitsOf(this.survey);
    return this.#units;
  }

  /** Whether anything keeps it. */
  isLive(key: string): boolean {
    return this.reached.full.has(key) || this.reached.flat.has(key);
  }
}
