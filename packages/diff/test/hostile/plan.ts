import { Random } from './random.ts';

export type Kind =
  | 'file'
  | 'directory'
  | 'symlink'
  | 'hardlink'
  | 'whiteout'
  | 'opaque'
  | 'fifo'
  | 'char'
  | 'block';

/** An entry as it is meant, before a dialect of tar says it. Text is latin1: a character for a byte. */
export interface PlannedEntry {
  readonly kind: Kind;
  readonly name: string;
  readonly linkname: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly body: string;
  readonly xattrs: Readonly<Record<string, string>>;
}

export type Dialect = 'ustar' | 'pax' | 'gnu';
export type Compression = 'none' | 'gzip' | 'zstd';

/** What is done to the bytes: all happens before compression, but a flip of `packed`. */
export type Damage =
  | { readonly how: 'flip'; readonly at: number; readonly bit: number }
  | { readonly how: 'cut'; readonly at: number }
  | { readonly how: 'insert'; readonly at: number; readonly byte: number }
  | { readonly how: 'packed'; readonly at: number; readonly bit: number };

/** One archive, and all that is random about it. `at` of damage is a share of the length, in 2^32ths. */
export interface Plan {
  readonly seed: number;
  readonly entries: readonly PlannedEntry[];
  readonly dialect: Dialect;
  readonly compression: Compression;
  readonly damage: readonly Damage[];
}

/** Directories of the tree below (see `base.ts`), and links that lead to some. */
const DIRECTORIES = [
  '',
  'a',
  'a/sub',
  'c',
  'c/sub',
  'etc',
  'x',
  'd',
  'e',
  'out',
  'up',
  'dead',
  'x/up',
  'new',
];
/** Of these a whole layer has entries of its own. */
const WHOLE = ['a', 'a/sub', 'etc', 'x'];
const FILES = ['b', 'a/f', 'a/g', 'a/sub/x', 'etc/passwd', 'c/f', 'e/passwd', 'p', 'out'];
const BASES = [
  'f',
  'g',
  'passwd',
  'm',
  'n',
  'o',
  'sub',
  'y',
  'z',
  '\xff\xfe',
  'n'.repeat(255),
  'a',
  'c',
  'd',
];

/** Present in the tree below (see `base.ts`), so that names meet. */
const PLACES = ['a', 'b', 'c', 'd', 'e', 'a/sub', 'a/f', 'dead', 'etc', 'etc/passwd', 'p', 'out', 'up'];
const PARTS = ['a', 'b', 'c', 'd', 'sub', 'f', 'x', 'etc', 'passwd', '..', '.', '', 'up', 'out'];
const ODD_PARTS = [
  'n'.repeat(255),
  'n'.repeat(256),
  '\xff\xfe',
  '\xc3\xa9',
  'a\nb',
  '...',
  '.wh',
  '__proto__',
  ' ',
];
const STARTS = ['', '', '', '/', './', '../', '//', '../../../../..', '/../'];
const MODES = [0o644, 0o600, 0o755, 0o700, 0o4755, 0o2755, 0o1777, 0o777, 0, 0o7777];
const OWNERS = [0, 0, 1, 1000, 65_534, 100_000, 4_294_967_294];
const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex').toString('latin1');

/** @param canary - An absolute path outside, to aim at. */
export function planOf(seed: number, canary: string): Plan {
  const random = new Random(seed);
  const made: PlannedEntry[] = [];
  // Most are such that they can be unpacked: one bad entry hides what the others would do.
  const mood = random.weighted({ whole: 4, plausible: 4, wild: 2 });
  const maker =
    mood === 'wild' ? wild(random, made, canary) : plausible(random, made, canary, mood === 'whole');
  const weights = random.chance(50) ? WEIGHTS : { ...WEIGHTS, whiteout: 0, opaque: 0 };
  // As packers do: a directory before what is in it.
  if (mood === 'whole') {
    for (const name of WHOLE) made.push(entryOf(random, named(name), { ...NONE, directory: 1 }));
    made.push(entryOf(random, named('a/sub/m'), { ...NONE, file: 1 }));
  }
  for (let left = 3 + random.below(10); left > 0; left--) made.push(entryOf(random, maker, weights));
  return {
    seed,
    entries: made,
    dialect: random.weighted({ ustar: 3, pax: 4, gnu: 3 }),
    compression: random.weighted({ none: 4, gzip: 4, zstd: 2 }),
    damage: random.chance(18) ? damageOf(random) : [],
  };
}

/** Chooses what entries are called and link to. */
interface Maker {
  readonly place: () => string;
  readonly symlink: () => string;
  readonly hardlink: () => string;
}

const WEIGHTS: Readonly<Record<Kind, number>> = {
  file: 8,
  directory: 6,
  symlink: 6,
  hardlink: 5,
  whiteout: 3,
  opaque: 2,
  fifo: 1,
  char: 1,
  block: 1,
};

const NONE: Readonly<Record<Kind, number>> = {
  ...{ file: 0, directory: 0, symlink: 0, hardlink: 0, whiteout: 0 },
  ...{ opaque: 0, fifo: 0, char: 0, block: 0 },
};

const named = (name: string): Maker => ({ place: () => name, symlink: () => '', hardlink: () => '' });

function entryOf(
  random: Random,
  { place, symlink, hardlink }: Maker,
  weights: Readonly<Record<Kind, number>>,
): PlannedEntry {
  const kind = random.weighted(weights);
  const takesXattrs = (kind === 'file' || kind === 'directory') && random.chance(25);
  return {
    kind,
    name: kind === 'whiteout' || kind === 'opaque' ? marker(random, kind, place()) : place(),
    linkname: kind === 'symlink' ? symlink() : kind === 'hardlink' ? hardlink() : '',
    mode: random.one(MODES),
    uid: random.one(OWNERS),
    gid: random.one(OWNERS),
    mtime: 1_000_000_000 + random.below(500_000_000),
    body: kind === 'file' ? 'x'.repeat(random.below(1500)) + String(random.below(1e6)) : '',
    xattrs: takesXattrs ? xattrsOf(random, kind) : {},
  };
}

/** In directories that are there, with links to files that are there, as far as the entries before left them. */
function plausible(random: Random, made: readonly PlannedEntry[], canary: string, isWhole: boolean): Maker {
  const [directories, files] = isWhole ? [['', ...WHOLE], ['a/sub/m']] : [DIRECTORIES, FILES];
  const of = (kind: Kind, others: readonly string[]) => [
    ...made.filter((entry) => entry.kind === kind).map(({ name }) => name),
    ...others,
  ];
  const place = () => {
    if (made.length > 0 && random.chance(20))
      return random.one(made).name.replace(/\.wh\.(?:\.wh\.\.opq)?/, 'w');
    const directory = random.one(of('directory', directories));
    return `${random.one(['', '', '', '/', './', '../', '//'])}${directory}/${random.one(BASES)}`;
  };
  return {
    place,
    symlink: () =>
      random.chance(40)
        ? targetOf(random, [], canary) || '.'
        : random.one(['', '/', '../', './']) +
          random.one(of('directory', [...directories.slice(1), ...files])),
    hardlink: () => random.one(['', '/', './']) + random.one(of('file', files)),
  };
}

/** Anything. */
function wild(random: Random, made: readonly PlannedEntry[], canary: string): Maker {
  const names = () => made.map(({ name }) => name);
  const link = () => targetOf(random, names(), canary);
  return { place: () => placeOf(random, names(), canary), symlink: link, hardlink: link };
}

function placeOf(random: Random, names: readonly string[], canary: string): string {
  if (names.length > 0 && random.chance(25)) return random.one(names);
  if (names.length > 0 && random.chance(25)) return `${random.one(names)}/${random.one(PARTS)}`;
  if (random.chance(35)) return random.one(STARTS) + random.one(PLACES);
  if (random.chance(4))
    return random.one([canary, `${canary}/etc/passwd`, `a/\0/../../${canary}`, '', '.', '/']);
  const part = () => (random.chance(6) ? random.one(ODD_PARTS) : random.one(PARTS));
  return random.one(STARTS) + Array.from({ length: 1 + random.below(4) }, part).join('/');
}

function targetOf(random: Random, names: readonly string[], canary: string): string {
  if (random.chance(30)) {
    const out = random.one([canary, `${canary}/etc`, `${canary}/etc/passwd`, `${canary}/etc/deep`]);
    return random.one(['', '', '/', '../../../../../..', 'up/up']) + out;
  }
  if (random.chance(10))
    return random.one(['/', '.', '..', '../..', '', '/proc/self/root', '/proc/self/cwd']);
  return placeOf(random, names, canary);
}

function marker(random: Random, kind: 'whiteout' | 'opaque', place: string): string {
  if (kind === 'opaque') return random.chance(20) ? '.wh..wh..opq' : `${place}/.wh..wh..opq`;
  const slash = place.lastIndexOf('/') + 1;
  const base = random.chance(10) ? random.one(['', '.', '..', '.wh.a']) : place.slice(slash);
  return `${place.slice(0, slash)}.wh.${base}`;
}

function xattrsOf(random: Random, kind: Kind): Record<string, string> {
  return {
    ...(random.chance(60) && { 'user.stowage': random.one(['', '1', 'a\nb', 'v'.repeat(300)]) }),
    ...(random.chance(30) && { 'trusted.stowage': 'x' }),
    ...(random.chance(20) && { 'trusted.overlay.opaque': 'y' }),
    ...(random.chance(20) && { 'trusted.overlay.redirect': '/etc' }),
    ...(random.chance(20) && { 'user.overlay.whiteout': 'y' }),
    ...(kind === 'file' && random.chance(30) && { 'security.capability': CAPABILITY }),
  };
}

function damageOf(random: Random): Damage[] {
  return Array.from({ length: 1 + random.below(2) }, (): Damage => {
    const at = random.below(2 ** 31) * 2;
    const how = random.weighted({ flip: 5, cut: 3, insert: 1, packed: 1 });
    if (how === 'cut') return { how, at };
    if (how === 'insert') return { how, at, byte: random.one([0, 0xff, 0x30]) };
    return { how, at, bit: random.below(8) };
  });
}
