type Version = readonly [major: number, minor: number, patch: number];

/** The oldest version that a range such as `^0.1.2` takes. Other ranges the packages of the house do not have. */
export function oldestOf(range: string): string {
  const [, oldest] = /^\^(\d+\.\d+\.\d+)$/.exec(range) ?? [];
  if (oldest === undefined) throw new Error(`range ${range}: not of the form ^1.2.3`);
  return oldest;
}

/** Whether a range such as `^0.1.2` takes a version: the same up to the first number that is not 0, and no older. */
export function takes(range: string, version: string): boolean {
  const [from, to] = [parse(oldestOf(range)), parse(version)];
  const first = from.findIndex((n) => n !== 0);
  const fixed = first === -1 ? 3 : first + 1;
  return from.slice(0, fixed).every((n, i) => n === to[i]) && compare(to, from) >= 0;
}

/** The next version: a fix, or one that may break what the last promised. */
export function next(version: string, kind: 'fix' | 'break'): string {
  const [major, minor, patch] = parse(version);
  if (kind === 'fix') return `${major}.${minor}.${patch + 1}`;
  return major === 0 ? `0.${minor + 1}.0` : `${major + 1}.0.0`;
}

function parse(version: string): Version {
  const [, ...numbers] = /^(\d+)\.(\d+)\.(\d+)$/.exec(version) ?? [];
  if (numbers.length !== 3) throw new Error(`version ${version}: not of the form 1.2.3`);
  return numbers.map(Number) as unknown as Version;
}

function compare(a: Version, b: Version): number {
  const i = a.findIndex((n, i) => n !== b[i]);
  return i === -1 ? 0 : (a[i] ?? 0) - (b[i] ?? 0);
}
