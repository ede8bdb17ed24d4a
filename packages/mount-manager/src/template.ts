import { Fault, quote } from '@stowage/core';
import type { ActiveMount } from '@stowage/mounts';

/** How much text may still be made of templates; they say much in few words. */
export interface Budget {
  left: number;
}

const OPEN = '{{';
const ACTION =
  /[ \t\r\n]*(?:(source|target|mount)[ \t\r\n]+(\d{1,6})|(overlay)[ \t\r\n]+(\d{1,6})[ \t\r\n]+(\d{1,6}))[ \t\r\n]*\}\}/y;

/**
 * Fills in `{{ source N }}`, `{{ target N }}`, `{{ mount N }}` and `{{ overlay N M }}`. These are all there is: of the Go
 * templates that containerd has here, nothing else gives anything.
 *
 * @param active - The mounts made so far, to which the numbers refer.
 * @throws Fault `invalid_argument` for anything else between braces, for a mount that is not made yet, and if the budget is
 *   spent.
 * @see containerd core/mount/manager/format.go
 */
export function filledIn(text: string, active: readonly ActiveMount[], budget: Budget): string {
  let made = '';
  let at = 0;
  for (;;) {
    const open = text.indexOf(OPEN, at);
    const piece = text.slice(at, open < 0 ? undefined : open);
    made += spent(piece, budget);
    if (open < 0) return made;
    ACTION.lastIndex = open + OPEN.length;
    const match = ACTION.exec(text);
    if (match === null)
      throw new Fault(
        'invalid_argument',
        `template ${quote(text.slice(open))}: expected {{ source N }}, {{ target N }}, {{ mount N }} or {{ overlay N M }}`,
      );
    made += spent(valueFor(match, active), budget);
    at = ACTION.lastIndex;
  }
}

function spent(piece: string, budget: Budget): string {
  budget.left -= piece.length;
  if (budget.left < 0) throw new Fault('invalid_argument', 'templates: what they give is too long');
  return piece;
}

function valueFor([, word, index, , start, end]: RegExpExecArray, active: readonly ActiveMount[]): string {
  if (word === undefined) return overlay(Number(start), Number(end), active);
  const mount = nth(Number(index), active);
  if (word === 'source') return mount.source;
  return word === 'target' ? (mount.target ?? '') : mount.mountPoint;
}

/** Both ends belong to it, and it may run backwards: the layer on top comes first. */
function overlay(start: number, end: number, active: readonly ActiveMount[]): string {
  nth(Math.max(start, end), active);
  const points = active
    .slice(Math.min(start, end), Math.max(start, end) + 1)
    .map(({ mountPoint }) => mountPoint);
  return (start > end ? points.reverse() : points).join(':');
}

function nth(index: number, active: readonly ActiveMount[]): ActiveMount {
  const mount = active[index];
  if (mount === undefined)
    throw new Fault(
      'invalid_argument',
      `template: there is no active mount ${index}, there are ${active.length}`,
    );
  return mount;
}
