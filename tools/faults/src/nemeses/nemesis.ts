import type { ArenaOptions } from '../arena.ts';
import type { Rng } from '../rng.ts';
import type { Scene } from '../scene.ts';

/** Some way in which the world is cruel to a daemon. See README.md on how to add one. */
export interface Nemesis {
  readonly name: string;
  /** How many rounds each form plays. */
  readonly rounds: Readonly<Record<Form, number>>;
  /** Why it can't be done on this machine; undefined if it can. */
  missing(): Promise<string | undefined>;
  /** Plays all rounds. What it throws ends it as a failure. */
  play(stage: Stage): Promise<void>;
}

export type Form = 'short' | 'ci' | 'long';

export interface Stage {
  readonly form: Form;
  readonly rng: Rng;
  /** Fires when everything is to end. */
  readonly signal: AbortSignal;
  /** A directory of its own, and the rest of what an `Arena` needs. */
  place(): Promise<ArenaOptions>;
  /** Whether there is another round. */
  more(): boolean;
  /** Whether the next round is the last. */
  isLast(): boolean;
  /**
   * Plays one: does harm under load, lets the daemon recover, and leaves it running. Then the oracle looks at it. What
   * `harm` throws means that it did not recover.
   */
  round(scene: Scene, harm: () => Promise<void>): Promise<void>;
}
