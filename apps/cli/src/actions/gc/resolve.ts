import { type CallOptions, Fault, quote } from '@stowage/core';
import { KIND_WORD, type ObjectId, type ObjectKind, type Query } from '@stowage/gc';
import { normalizeReference } from '@stowage/registry';
import type { Inspecting } from './inspector.ts';
import { objectText } from './words.ts';

const KINDS: ReadonlyMap<string, ObjectKind> = new Map(
  (Object.keys(KIND_WORD) as ObjectKind[]).map((kind) => [KIND_WORD[kind], kind]),
);

/**
 * The object that a person means: just one, but maybe in several namespaces.
 *
 * @throws Fault `not_found` if nothing goes by that name; `failed_precondition` if several things do.
 */
export async function resolve({ inspector, options }: Inspecting, text: string): Promise<ObjectId[]> {
  const found = await candidates(text, (query) => inspector.find(query, options));
  const [first] = found;
  if (first === undefined)
    throw new Fault('not_found', `object ${quote(text)}: nothing here goes by that name`);
  const others = found.filter(
    ({ kind, name, snapshotter }) =>
      kind !== first.kind || name !== first.name || snapshotter !== first.snapshotter,
  );
  if (others.length === 0) return found;
  const named = [first, ...others].slice(0, 5).map(exactText).join(', ');
  const more = others.length > 4 ? ', ...' : '';
  throw new Fault(
    'failed_precondition',
    `object ${quote(text)}: several things go by that name: ${named}${more}`,
  );
}

type Find = (query: Query, options?: CallOptions) => Promise<readonly ObjectId[]>;

async function candidates(text: string, find: Find): Promise<ObjectId[]> {
  const [, word = '', rest = ''] = /^([a-z]+):(.+)$/s.exec(text) ?? [];
  const kind = KINDS.get(word);
  if (kind === undefined) {
    const found = await find({ text });
    return found.length > 0 ? [...found] : byReference(text, find);
  }
  const found = await find({ text: rest, kind });
  if (found.length > 0) return [...found];
  if (kind === 'images') return byReference(rest, find);
  const slash = kind === 'snapshots' ? rest.indexOf('/') : -1;
  if (slash < 0) return [];
  const among = await find({ text: rest.slice(slash + 1), kind });
  return among.filter(({ snapshotter }) => snapshotter === rest.slice(0, slash));
}

/** As `docker` and `stowage run` shorten the names of images. */
async function byReference(text: string, find: Find): Promise<ObjectId[]> {
  try {
    return [...(await find({ text: normalizeReference(text), kind: 'images' }))];
  } catch (e) {
    // No name of an image at all.
    if (Fault.is(e, 'invalid_argument')) return [];
    throw e;
  }
}

/** What to say to mean just this one. */
function exactText(id: ObjectId): string {
  return objectText(id).replace(' ', ':');
}
