import { serveCalls } from './serve-calls.ts';
import { syncfs } from './sync.ts';
import { copyTree } from './tree-copy.ts';
import type { StopFlag } from './tree-entries.ts';
import { removeTree } from './tree-remove.ts';
import { measureTree, type TreeUsage } from './tree-usage.ts';

/** How long others wait at most for a removal under way. */
const SLICE_MS = 50;

/** What {@link Trees} asks of its worker. */
const operations = {
  usage: (path: string, stop: StopFlag): TreeUsage => measureTree(path, stop),
  copy: (from: string, to: string, stop: StopFlag): void => copyTree(from, to, stop),
  remove: (path: string, stop: StopFlag): boolean => removeTree(path, stop, SLICE_MS),
  syncfs: (path: string, _stop: StopFlag): void => syncfs(path),
};

export type TreeOperations = typeof operations;

serveCalls(operations);
