/** Rows under headings, columns padded to fit. */
export function table(headings: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const all = [headings, ...rows.map((row) => row.map(plain))];
  const widths = headings.map((_, i) => Math.max(...all.map((row) => (row[i] ?? '').length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('   ')
      .trimEnd();
  return `${all.map(line).join('\n')}\n`;
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
