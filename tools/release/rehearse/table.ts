import type { NodeVersion } from './nodes.ts';
import type { Rehearsed } from './rehearse.ts';

/** What was found, one line for each package. */
export function table(results: readonly Rehearsed[], nodes: readonly NodeVersion[]): string {
  const head = ['package', 'version', 'packed', 'installed', 'packages', ...nodes.map((n) => n.version), ''];
  const lines = results.map(({ name, version, size, installedBytes, packages, outcomes, remark }) => [
    name,
    version,
    kilobytes(size),
    kilobytes(installedBytes),
    String(packages),
    ...nodes.map(({ major }) => outcomes.get(major) ?? 'FAILED'),
    remark,
  ]);
  const all = [head, ...lines];
  const widths = head.map((_, i) => Math.max(...all.map((line) => line[i]?.length ?? 0)));
  const isNumber = (i: number) => i >= 2 && i <= 4;
  return all
    .map((line) =>
      line
        .map((cell, i) => (isNumber(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function kilobytes(bytes: number): string {
  return `${Math.ceil(bytes / 1000).toLocaleString('en')} kB`;
}
