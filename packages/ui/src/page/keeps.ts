import { formatSize } from './format.ts';
import { useLoaded } from './hooks.ts';
import { html, type Shown } from './html.ts';
import type { Explanation, Freed, GcObject, GcRoot } from './messages.ts';
import { call } from './rpc.ts';

const KINDS: Readonly<Record<string, string>> = {
  images: 'image',
  containers: 'container',
  sandboxes: 'sandbox',
  leases: 'lease',
  content: 'blob',
  ingests: 'ingest',
  snapshots: 'snapshot',
};

export function objectText({ kind = '', snapshotter = '', name = '' }: GcObject = {}): string {
  return `${KINDS[kind] ?? kind} ${snapshotter === '' ? '' : `${snapshotter}/`}${name}`;
}

const REASONS: Readonly<Record<string, string>> = {
  WHY_ROOT_LABEL: 'by its label containerd.io/gc.root',
  WHY_WRITER: 'somebody writes to it',
  WHY_AGE: 'somebody wrote to it not long ago',
  WHY_CHANGE: 'a change is under way',
  WHY_STUCK: 'its snapshotter is not here',
};

function rootText({ object, reason, until }: GcRoot): string {
  const notes = [REASONS[reason?.why ?? ''], until && `until ${new Date(until).toLocaleString()}`].filter(
    Boolean,
  );
  return `${objectText(object)}${notes.length === 0 ? '' : ` (${notes.join(', ')})`}`;
}

export function freedSize({ contentBytes = '0', snapshotBytes = '0', ingestBytes = '0' }: Freed): bigint {
  return BigInt(contentBytes) + BigInt(snapshotBytes) + BigInt(ingestBytes);
}

export const explain = (object: GcObject, namespace: string, signal?: AbortSignal): Promise<Explanation> =>
  call(
    'stowage.gc.v1.GarbageCollection/Explain',
    { object: { ...object, namespace } },
    { namespace, signal },
  );

export const freedBy = (object: GcObject, namespace: string, signal?: AbortSignal): Promise<Freed> =>
  call(
    'stowage.gc.v1.GarbageCollection/FreedBy',
    { objects: [{ ...object, namespace }] },
    { namespace, signal },
  );

interface KeepsProps {
  readonly object: GcObject;
  readonly namespace: string;
  /** What to remove to have the space; nothing is told of that if it is left out. */
  readonly removable?: GcObject;
}

/** Tells what keeps something on the disk, and what would go with it. */
export function Keeps({ object, namespace, removable }: KeepsProps): Shown {
  const told = useLoaded(
    async (signal) => ({
      explanation: await explain(object, namespace, signal),
      freed: removable && (await freedBy(removable, namespace, signal)),
    }),
    [object.name, namespace],
    0,
  );
  if (told.error !== undefined) return html`<p>What keeps it is not known: ${told.error}</p>`;
  if (told.value === undefined) return html`<p>Asking what keeps it …</p>`;
  const { explanation, freed } = told.value;
  const { verdict, roots = [], rootCount = 0 } = explanation;
  if (verdict === 'VERDICT_GARBAGE')
    return html`<p>Nothing keeps it: it goes at the next garbage collection.</p>`;
  if (verdict !== 'VERDICT_KEPT') return html`<p>It is gone.</p>`;
  return html`<div class="keeps">
    <p>Kept by</p>
    <ul>
      ${roots.map((root) => html`<li key=${rootText(root)}>${rootText(root)}</li>`)}
      ${rootCount > roots.length ? html`<li>and ${rootCount - roots.length} more</li>` : null}
    </ul>
    ${freed && html`<p>Without ${objectText(removable)} the next garbage collection frees ${formatSize(freedSize(freed))}.</p>`}
  </div>`;
}
