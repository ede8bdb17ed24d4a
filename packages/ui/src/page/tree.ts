import { useRef, useState } from 'preact/hooks';
import { html, type Shown } from './html.ts';
import type { TreeItem } from './snapshot-tree.ts';

interface TreeProps {
  readonly label: string;
  readonly items: readonly TreeItem[];
  readonly chosen: string | undefined;
  readonly onChoose: (name: string) => void;
}

/** Deeper ones are not moved further to the right: there is no room for that on a phone. */
const MOST_INDENT = 12;

/** A tree that is walked by arrows, Home and End, as the ARIA practices have it; Enter chooses. One stop of Tab. */
export function Tree({ label, items, chosen, onChoose }: TreeProps): Shown {
  const [focused, setFocused] = useState('');
  const place = useRef<HTMLUListElement>(null);
  const at = Math.max(
    0,
    items.findIndex(({ name }) => name === focused),
  );
  const move = (to: number) => {
    const item = items[Math.min(items.length - 1, Math.max(0, to))];
    if (item === undefined) return;
    setFocused(item.name);
    place.current?.querySelectorAll<HTMLElement>('[role=treeitem]')[items.indexOf(item)]?.focus();
  };
  const parentOf = (index: number) => {
    const { level = 1 } = items[index] ?? {};
    return items.findLastIndex((item, i) => i < index && item.level < level);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const moves: Readonly<Record<string, () => void>> = {
      ArrowDown: () => move(at + 1),
      ArrowUp: () => move(at - 1),
      ArrowLeft: () => move(Math.max(0, parentOf(at))),
      ArrowRight: () => move((items[at + 1]?.level ?? 0) > (items[at]?.level ?? 0) ? at + 1 : at),
      Home: () => move(0),
      End: () => move(items.length - 1),
      Enter: () => onChoose(items[at]?.name ?? ''),
      ' ': () => onChoose(items[at]?.name ?? ''),
    };
    const key = Object.hasOwn(moves, event.key) ? moves[event.key] : undefined;
    if (key === undefined) return;
    event.preventDefault();
    key();
  };
  const lines = items.map(
    (
      { name, text, note, level },
      i,
    ) => html`<li key=${name} role="treeitem" aria-level=${level} aria-selected=${name === chosen}
      tabindex=${i === at ? 0 : -1} title=${name} class=${`level-${Math.min(level, MOST_INDENT)}`}
      onClick=${() => {
        setFocused(name);
        onChoose(name);
      }}><span class="name">${text}</span>${note === '' ? null : html`<span class="note">${note}</span>`}</li>`,
  );
  return html`<ul class="tree" role="tree" aria-label=${label} ref=${place} onKeyDown=${onKeyDown}>${lines}</ul>`;
}
