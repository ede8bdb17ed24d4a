import type { Mount } from '@stowage/core';
import type { OverlayPrefix } from './xattrs.ts';

/** Nothing in a tree that is packed may run, and no device in it be opened. */
const FLAGS = ['ro', 'nodev', 'nosuid', 'noexec'];

/**
 * Mounts that show the same and change nothing, also not their overlay's work directory, which a task may be using. (An
 * overlay with an index shows its files through that directory: it is mounted as it is, which fails while it is in use.)
 *
 * @see containerd core/mount/mount.go readonlyMounts
 */
export function readOnly(mounts: readonly Mount[]): Mount[] {
  return mounts.map((mount) => {
    const lone = loneUpper(mount);
    if (lone !== undefined) return bindOf(lone);
    const isPlain = mount.type === 'overlay' && !hasIndex(mount.options);
    const options = isPlain ? onlyLowers(mount.options) : mount.options;
    const single = options.map((option) => (option === 'rbind' ? 'bind' : option));
    return { ...mount, options: [...single, ...FLAGS] };
  });
}

/** The upper directory becomes the topmost of the lower ones. */
function onlyLowers(options: readonly string[]): readonly string[] {
  const upper = optionOf(options, 'upperdir');
  if (upper === undefined) return options;
  const lowers = optionOf(options, 'lowerdir') ?? '';
  const rest = options.filter((option) => !/^(upperdir|workdir|lowerdir)=/.test(option));
  return [...rest, `lowerdir=${escaped(unescaped(upper))}:${lowers}`];
}

/** The upper directory of an overlay with nothing below, as which layers are unpacked at the same time. */
function loneUpper(mount: Mount): string | undefined {
  const { type, options } = mount;
  if (type !== 'overlay' || !isAtTop(mount) || options.some((option) => option.startsWith('lowerdir'))) {
    return undefined;
  }
  const upper = optionOf(options, 'upperdir');
  return upper && unescaped(upper);
}

const bindOf = (source: string): Mount => ({ type: 'bind', source, options: ['bind', ...FLAGS] });

/** The upper directory of an overlay, to be read by itself. */
export interface Upper {
  readonly mounts: readonly Mount[];
  readonly prefix: OverlayPrefix;
}

/**
 * Where `right` keeps what differs from `left`, if it is an overlay over exactly the layers that `left` shows.
 */
export function upperOver(left: readonly Mount[], right: readonly Mount[]): Upper | undefined {
  const [mount, ...more] = right;
  if (mount?.type !== 'overlay' || more.length > 0 || !isAtTop(mount)) return undefined;
  const { options } = mount;
  const upper = optionOf(options, 'upperdir');
  const lowers = optionOf(options, 'lowerdir') ?? '';
  // An index makes files of lower layers change that are nowhere in the upper directory.
  if (upper === undefined || hasIndex(options)) return undefined;
  const layers = left.length === 0 ? [] : layersOf(left);
  if (layers === undefined || !isEqual(layers, layerList(lowers))) return undefined;
  return {
    mounts: [bindOf(unescaped(upper))],
    prefix: options.includes('userxattr') ? 'user.overlay.' : 'trusted.overlay.',
  };
}

/** The directories that make up what mounts show, the topmost first; undefined if that is not known. */
function layersOf(mounts: readonly Mount[]): string[] | undefined {
  const [mount, ...more] = mounts;
  if (mount === undefined || more.length > 0 || !isAtTop(mount)) return undefined;
  const { type, source, options } = mount;
  if (type === 'bind' || options.includes('bind') || options.includes('rbind')) return [source];
  if (type !== 'overlay') return undefined;
  const upper = optionOf(options, 'upperdir');
  const lowers = layerList(optionOf(options, 'lowerdir') ?? '');
  return upper === undefined ? lowers : [unescaped(upper), ...lowers];
}

const isAtTop = ({ target = '' }: Mount): boolean => target === '' || target === '/';

const hasIndex = (options: readonly string[]): boolean =>
  options.some((option) => option === 'index=on' || option === 'nfs_export=on');

/** The last of several counts, as for the kernel. */
function optionOf(options: readonly string[], key: string): string | undefined {
  return options.findLast((option) => option.startsWith(`${key}=`))?.slice(key.length + 1);
}

const layerList = (list: string): string[] => (list === '' ? [] : list.split(/(?<!\\):/).map(unescaped));

const unescaped = (path: string): string => path.replace(/\\(.)/gs, '$1');

const escaped = (path: string): string => path.replace(/[\\:]/g, '\\$&');

const isEqual = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((path, i) => path === b[i]);
