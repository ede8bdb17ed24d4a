import { type Hop, KIND_WORD, type ObjectId, type Root, type Why } from '@stowage/gc';
import { plain } from '../../table.ts';

/** `image docker.io/library/busybox:latest`, `snapshot overlayfs/web`. */
export function objectText({ kind, snapshotter, name }: ObjectId): string {
  return plain(`${KIND_WORD[kind]} ${snapshotter === '' ? '' : `${snapshotter}/`}${name}`);
}

/** A root with what makes it one, where that is not what it is. */
export function rootText({ object, why, until }: Root): string {
  const notes = [rootWhy(why), ...(until === undefined ? [] : [`until ${until.toISOString()}`])];
  const text = notes.filter((note) => note !== '').join(', ');
  return `${objectText(object)}${text === '' ? '' : ` (${text})`}`;
}

function rootWhy({ by }: Why): string {
  switch (by) {
    case 'root-label':
      return 'by its label containerd.io/gc.root';
    case 'writer':
      return 'somebody writes to it';
    case 'age':
      return 'somebody wrote to it not long ago';
    case 'change':
      return 'a change is under way';
    case 'stuck':
      return 'its snapshotter is not here';
    default:
      return '';
  }
}

/** By what the object before keeps this one, its name, and what it is as far as that tells. */
export function hopText({ object, why }: Hop): string {
  const { kind, snapshotter, name } = object;
  const isTold = kind === 'content' || why.by === 'snapshot' || why.by === 'parent';
  const shown = isTold ? plain(snapshotter === '' ? name : `${snapshotter}/${name}`) : objectText(object);
  const what = whatText(why);
  return `${plain(whyText(why))} ${shown}${what === '' ? '' : ` (${what})`}`;
}

function whyText(why: Why): string {
  switch (why.by) {
    case 'label':
    case 'condition':
      return why.label;
    case 'back-label':
      return `${why.label} of`;
    default:
      return why.by;
  }
}

const TYPES: ReadonlyArray<readonly [part: string, word: string]> = [
  ['image.index', 'index'],
  ['manifest.list', 'index'],
  ['manifest', 'manifest'],
];

// As clients that pull images name their labels.
const PARTS: ReadonlyArray<readonly [part: RegExp, word: string]> = [
  [/^containerd\.io\/gc\.ref\.content\.config/, 'config'],
  [/^containerd\.io\/gc\.ref\.content\.l\./, 'layer'],
  [/^containerd\.io\/gc\.ref\.content\.m\./, 'manifest'],
];

function whatText(why: Why): string {
  if (why.by === 'target') return TYPES.find(([part]) => why.mediaType.includes(part))?.[1] ?? '';
  if (why.by === 'label') return PARTS.find(([part]) => part.test(why.label))?.[1] ?? '';
  return why.by === 'condition' ? 'while it is used' : '';
}
