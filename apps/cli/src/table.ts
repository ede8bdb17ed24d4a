import { type Screen, type Style, screenOf } from './screen.ts';
import { cutTo, padTo, widthOf } from './text-width.ts';

/** A text of a table, that may be coloured. */
export type Cell = string | { readonly text: string; readonly style: Style | undefined };

/** Narrower than this no column is cut. */
const NARROWEST = 8;

/** Between columns. */
const GAP = '   ';

/**
 * Rows under headings, columns padded to fit. On a terminal that is too narrow the widest columns are cut, so that a row
 * stays a line.
 */
export function table(
  headings: readonly string[],
  rows: ReadonlyArray<readonly Cell[]>,
  screen: Screen = screenOf(process.stdout),
): string {
  const all = [
    headings.map((text) => ({ text, style: 'bold' as const })),
    ...rows.map((row) => row.map(shown)),
  ];
  const wanted = headings.map((_, i) => Math.max(...all.map((row) => widthOf(row[i]?.text ?? ''))));
  const widths = fitted(wanted, screen.columns);
  const line = (row: ReadonlyArray<ReturnType<typeof shown>>) =>
    row
      .map(({ text, style }, i) => {
        const cut = cutTo(text, widths[i] ?? 0);
        const isLast = row.slice(i + 1).every((next) => next.text === '');
        const padded = isLast ? cut : padTo(cut, widths[i] ?? 0);
        return style === undefined || cut === ''
          ? padded
          : screen.paint(style, cut) + padded.slice(cut.length);
      })
      .join(GAP)
      .trimEnd();
  return `${all.map(line).join('\n')}\n`;
}

function shown(cell: Cell) {
  return typeof cell === 'string'
    ? { text: plain(cell), style: undefined }
    : { text: plain(cell.text), style: cell.style };
}

/** Takes from the widest, a column at a time, until all fit or none can be taken from. */
function fitted(wanted: readonly number[], columns: number | undefined): number[] {
  const widths = [...wanted];
  if (columns === undefined) return widths;
  let excess = widths.reduce((sum, width) => sum + width, (widths.length - 1) * GAP.length) - columns;
  for (; excess > 0; excess--) {
    const widest = widths.indexOf(Math.max(...widths));
    const width = widths[widest] ?? 0;
    if (width <= NARROWEST) break;
    widths[widest] = width - 1;
  }
  return widths;
}

/** Names and arguments are other people's: one on a terminal must not move its cursor, nor begin a line. */
export function plain(cell: string): string {
  return cell.replace(/\p{Cc}/gu, '?');
}

/** `3.2 MB`: powers of ten, as docker prints sizes. */
export function formatSize(bytes: bigint): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = Number(bytes);
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}

/** `4 minutes ago` */
export function formatAge(since: Date, now = new Date()): string {
  const seconds = Math.max(0, Math.round((now.getTime() - since.getTime()) / 1000));
  const steps = [
    [60, 1, 'second'],
    [3600, 60, 'minute'],
    [86_400, 3600, 'hour'],
    [Number.POSITIVE_INFINITY, 86_400, 'day'],
  ] as const;
  for (const [below, unit, name] of steps) {
    if (seconds >= below) continue;
    const n = Math.floor(seconds / unit);
    return `${n} ${name}${n === 1 ? '' : 's'} ago`;
  }
  return '';
}
