import type { Row } from './figures.ts';
import { diff } from './images/diff.ts';
import { pull } from './images/pull.ts';

export interface ImagesOptions {
  /** Holds the files of both daemons. */
  readonly dir: string;
  readonly rounds: number;
}

export const IMAGES = ['pull', 'diff'] as const;

/** The measurements of images and their layers, each with two daemons of its own. */
export const images: Readonly<Record<(typeof IMAGES)[number], (options: ImagesOptions) => Promise<Row[]>>> = {
  pull,
  diff,
};
