import type { Plan } from './plan.ts';

/**
 * - `escape`: something outside changed.
 * - `difference`: the tree is not what another way to unpack, or another program, makes of the archive.
 * - `unclear`: a failure that is no refusal, or none in time.
 */
export type FindingKind = 'escape' | 'difference' | 'unclear';

export interface Finding {
  readonly kind: FindingKind;
  readonly seed: number;
  readonly text: string;
  /** As small as it still shows. */
  readonly plan: Plan;
}

/** How many trees were compared, by what with. */
export type Compared = Record<'overlay' | 'lone' | 'gnuTar' | 'containerd', number>;

export interface Report {
  readonly archives: number;
  readonly applied: number;
  readonly refused: number;
  readonly compared: Readonly<Compared>;
  /** Directories and links swapped while archives were unpacked. */
  readonly swaps: number;
  readonly findings: readonly Finding[];
}

export const countOf = ({ findings }: Report, kind: FindingKind): number =>
  findings.filter((finding) => finding.kind === kind).length;
