import type { Row } from './figures.ts';
import { archives } from './images/archives.ts';
import { diff } from './images/diff.ts';
import { pull, pullContent } from './images/pull.ts';
import { push } from './images/push.ts';
import { tenClients } from './images/ten-clients.ts';

export interface ImagesOptions {
  /** Holds the files of both daemons. */
  readonly dir: string;
  readonly rounds: number;
  /** Of the image that comes and goes. */
  readonly size: { readonly files: number; readonly megabytes: number };
}

export const IMAGES = ['pull', 'pull-content', 'push', 'archives', 'ten-clients', 'diff'] as const;

/** The measurements of images and their layers, each with two daemons of its own. */
export const images: Readonly<Record<(typeof IMAGES)[number], (options: ImagesOptions) => Promise<Row[]>>> = {
  pull,
  'pull-content': pullContent,
  push,
  archives,
  'ten-clients': tenClients,
  diff,
};
