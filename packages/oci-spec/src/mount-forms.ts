import { Fault, quote } from '@stowage/core';
import { absolutePath } from './check.ts';
import type { SpecMount } from './spec.ts';

const PROPAGATIONS = [
  'private',
  'rprivate',
  'shared',
  'rshared',
  'slave',
  'rslave',
  'unbindable',
  'runbindable',
];

/** Safe unless somebody says otherwise. */
const TMPFS_OPTIONS = ['nosuid', 'nodev', 'noexec'];

/**
 * Reads `type=bind,src=/a,dst=/b,options=rbind:ro`, as `--mount` of ctr; and `readonly`, `bind-propagation=rslave`,
 * `tmpfs-size=64m`, `tmpfs-mode=1777`, as docker and nerdctl have it. A field with a comma stands in double quotes.
 *
 * @throws Fault `invalid_argument`, naming the field.
 */
export function parseMount(text: string): SpecMount {
  const fail = (reason: string) => new Fault('invalid_argument', `mount ${quote(text)}: ${reason}`);
  const fields = new Map<string, string>();
  for (const field of splitFields(text, fail)) {
    const at = field.indexOf('=');
    const [key, value] = at < 0 ? [field, ''] : [field.slice(0, at), field.slice(at + 1)];
    const name = ALIASES.get(key.toLowerCase());
    if (name === undefined)
      throw fail(`${quote(key)} is none of ${[...new Set(ALIASES.values())].join(', ')}`);
    if (fields.has(name)) throw fail(`${name} is there twice`);
    fields.set(name, value);
  }
  const type = fields.get('type') ?? 'bind';
  const destination = fields.get('dst');
  const source = fields.get('src') ?? (type === 'bind' ? undefined : type);
  if (destination === undefined) throw fail('it needs dst=, where it goes');
  if (type === 'volume') throw fail('there are no volumes; bind a directory');
  if (source === undefined) throw fail('a bind needs src=, what it shows');
  absolutePath('mount destination', destination);
  if (type === 'bind') absolutePath('mount source', source);
  const options = fields.get('options')?.split(':').filter(Boolean) ?? [];
  if (type === 'bind' && !options.includes('bind') && !options.includes('rbind')) options.unshift('rbind');
  if (type === 'tmpfs' && !fields.has('options')) options.push(...TMPFS_OPTIONS);
  const readonly = fields.get('readonly');
  if (readonly !== undefined && flag(readonly, fail)) options.push('ro');
  const propagation = fields.get('bind-propagation');
  if (propagation !== undefined) {
    if (!PROPAGATIONS.includes(propagation)) throw fail(`${quote(propagation)} is no propagation, as rslave`);
    options.push(propagation);
  }
  for (const [field, option] of [
    ['tmpfs-size', 'size'],
    ['tmpfs-mode', 'mode'],
  ] as const) {
    const value = fields.get(field);
    if (value === undefined) continue;
    if (type !== 'tmpfs') throw fail(`${field} is for type=tmpfs`);
    options.push(tmpfsOption(`${option}=${value}`, fail));
  }
  return { destination, type, source, options };
}

/** Reads `/from:/to[:ro,rslave]`, as `--volume` of docker and nerdctl. Volumes by name there are none. */
export function parseVolume(text: string): SpecMount {
  const fail = (reason: string) => new Fault('invalid_argument', `volume ${quote(text)}: ${reason}`);
  const [source = '', destination, given = '', ...more] = text.split(':');
  if (destination === undefined || more.length > 0) throw fail('it must read /from:/to[:ro]');
  if (!source.startsWith('/'))
    throw fail(`${quote(source)} is no absolute path, and there are no volumes by name`);
  absolutePath('volume source', source);
  absolutePath('volume destination', destination);
  const options = ['rbind'];
  for (const option of given.split(',').filter(Boolean)) {
    if (option === 'ro' || option === 'rw' || PROPAGATIONS.includes(option)) options.push(option);
    else throw fail(`${quote(option)} is none of ro, rw and the propagations, as rslave`);
  }
  if (!options.some((o) => PROPAGATIONS.includes(o))) options.push('rprivate');
  return { destination, type: 'bind', source, options };
}

/** Reads `/at[:size=64m,mode=1777]`, as `--tmpfs` of docker and nerdctl. */
export function parseTmpfs(text: string): SpecMount {
  const fail = (reason: string) => new Fault('invalid_argument', `tmpfs ${quote(text)}: ${reason}`);
  const at = text.indexOf(':');
  const destination = at < 0 ? text : text.slice(0, at);
  absolutePath('tmpfs', destination);
  const given =
    at < 0
      ? []
      : text
          .slice(at + 1)
          .split(',')
          .filter(Boolean);
  // Whoever says `exec` means it.
  const opposite = new Map(TMPFS_OPTIONS.map((option) => [option.slice(2), option]));
  const lifted = new Set(given.flatMap((option) => opposite.get(option) ?? []));
  const options = TMPFS_OPTIONS.filter((option) => !lifted.has(option));
  for (const option of given) options.push(tmpfsOption(option, fail));
  return { destination, type: 'tmpfs', source: 'tmpfs', options: [...new Set(options)] };
}

const ALIASES: ReadonlyMap<string, string> = new Map([
  ['type', 'type'],
  ['src', 'src'],
  ['source', 'src'],
  ['dst', 'dst'],
  ['destination', 'dst'],
  ['target', 'dst'],
  ['options', 'options'],
  ['readonly', 'readonly'],
  ['ro', 'readonly'],
  ['bind-propagation', 'bind-propagation'],
  ['tmpfs-size', 'tmpfs-size'],
  ['tmpfs-mode', 'tmpfs-mode'],
]);

const PLAIN_TMPFS =
  /^(ro|rw|suid|nosuid|dev|nodev|exec|noexec|sync|async|dirsync|remount|mand|nomand|atime|noatime|diratime|nodiratime|relatime|norelatime|strictatime|nostrictatime|noswap)$/;

function tmpfsOption(option: string, fail: (reason: string) => Fault): string {
  if (PLAIN_TMPFS.test(option)) return option;
  if (/^size=([1-9][0-9]*[kmg]?|[1-9][0-9]?%|100%)$/i.test(option)) return option;
  if (/^mode=0?[0-7]{3,4}$/.test(option)) return option;
  if (/^(uid|gid|nr_inodes|nr_blocks)=[0-9]+k?$/.test(option)) return option;
  throw fail(`${quote(option)} is no option of tmpfs, as size=64m or mode=1777`);
}

function flag(value: string, fail: (reason: string) => Fault): boolean {
  if (value === '' || value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0') return false;
  throw fail(`readonly is true or false, not ${quote(value)}`);
}

function splitFields(text: string, fail: (reason: string) => Fault): string[] {
  const fields: string[] = [];
  let [field, quoted] = ['', false];
  for (const character of text) {
    if (character === '"') quoted = !quoted;
    else if (character === ',' && !quoted) {
      fields.push(field);
      field = '';
    } else field += character;
  }
  if (quoted) throw fail('a quote is not closed');
  return [...fields, field].filter((f) => f !== '');
}
