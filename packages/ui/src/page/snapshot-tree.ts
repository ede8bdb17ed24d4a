import { shortDigest } from './format.ts';
import type { Snapshot } from './messages.ts';

/** One line of a tree. */
export interface TreeItem {
  readonly name: string;
  readonly text: string;
  /** What it is, besides its name. */
  readonly note: string;
  /** From 1. */
  readonly level: number;
}

/** Each right below what it is made on; what is made on nothing that is listed begins a tree. As deep as layers are many. */
export function flattened(all: readonly Snapshot[]): TreeItem[] {
  const known = new Set(all.map(({ name }) => name));
  const children = Map.groupBy(all, ({ parent = '' }) => (known.has(parent) ? parent : ''));
  const below = (parent: string, level: number) =>
    (children.get(parent) ?? [])
      .toSorted((a, b) => (a.name < b.name ? 1 : -1))
      .map((snapshot) => ({ snapshot, level }));
  const items: TreeItem[] = [];
  const open = below('', 1);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { snapshot, level } = next;
    const { name, kind = '' } = snapshot;
    const text = /^sha256:\w{64}$/.test(name) ? shortDigest(name) : name;
    items.push({ name, text, note: kind === 'COMMITTED' ? '' : kind.toLowerCase(), level });
    open.push(...below(name, level + 1));
  }
  return items;
}
