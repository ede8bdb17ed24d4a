import type { Effect } from '../model/world.ts';
import type { Services } from '../services.ts';
import type { ClientView } from './client-view.ts';

/** Something that clients do to a daemon. See README.md on how to add one. */
export interface Operation {
  readonly name: string;
  /** How often, among the others. */
  readonly weight: number;
  /** What to do next; undefined if there is nothing to do it to. It must succeed on a daemon without faults. */
  plan(client: ClientView): Plan | undefined;
}

export interface Plan {
  /** What it makes of things when it is acknowledged; all or nothing. */
  readonly effects: readonly Effect[];
  /** What may be there as well if it fails half-way. */
  readonly maybe?: readonly Effect[];
  run(services: Services, signal: AbortSignal): Promise<void>;
}

/** The daemon told something that can't be. */
export class Lie extends Error {
  override readonly name = 'Lie';
}
