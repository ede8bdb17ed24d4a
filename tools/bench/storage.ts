import type { Row } from './figures.ts';
import { blobs } from './storage/blobs.ts';
import { collect } from './storage/collect.ts';
import { containers, info, list } from './storage/records.ts';
import { snapshots } from './storage/snapshots.ts';

export interface StorageOptions {
  /** Holds the files of both daemons, and what they are fed with. */
  readonly dir: string;
  readonly rounds: number;
  /** How many objects garbage collection looks at. */
  readonly objects: number;
}

export const STORAGE = ['blobs', 'info', 'list', 'containers', 'snapshots', 'collect'] as const;

/** The measurements of what a daemon keeps, each with two daemons of its own. */
export const storage: Readonly<
  Record<(typeof STORAGE)[number], (options: StorageOptions) => Promise<Row[]>>
> = { blobs, info, list, containers, snapshots, collect };
