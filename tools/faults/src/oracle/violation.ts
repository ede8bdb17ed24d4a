/**
 * What the oracle found wrong, by the rule that it breaks.
 *
 * - `lost`: acknowledged, and not there. `returned`: deleted, and there again. `dangling`: referred to, and not there.
 * - `half`: an operation happened in part. `torn`: there, but not as written: fields, bytes of a blob, files of a snapshot.
 * - `lie`: a running daemon told what can't be. `refused`: it refused what it must not refuse.
 * - `garbage`: still there after two collections. `stranger`: there, and nobody made it. `leak`: left on disk or mounted.
 * - `slow`: not ready in time. `dead`: does not start, or does not take work again by itself.
 * - `unclean`: `stowaged check` finds an error.
 */
export type Rule =
  | 'lost'
  | 'returned'
  | 'dangling'
  | 'half'
  | 'torn'
  | 'lie'
  | 'refused'
  | 'garbage'
  | 'stranger'
  | 'leak'
  | 'slow'
  | 'dead'
  | 'unclean';

export interface Violation {
  readonly rule: Rule;
  readonly message: string;
}
