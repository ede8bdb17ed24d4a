import { useState } from 'preact/hooks';
import type { EventsFeed } from '../events-feed.ts';
import { formatAge, formatSize } from '../format.ts';
import { useLoaded } from '../hooks.ts';
import { html, type Shown } from '../html.ts';
import { Keeps } from '../keeps.ts';
import { Field } from '../listing.ts';
import type { Snapshot } from '../messages.ts';
import { call, stream } from '../rpc.ts';
import { flattened } from '../snapshot-tree.ts';
import { Tree } from '../tree.ts';

interface SnapshotsProps {
  readonly namespace: string;
  readonly feed: EventsFeed;
}

/** The snapshots of each snapshotter, each below what it is made on. */
export function Snapshots({ namespace, feed }: SnapshotsProps): Shown {
  const { value, error } = useLoaded((signal) => snapshotters(signal), [], 0);
  if (value === undefined) return html`<p class="empty">${error ?? 'Loading …'}</p>`;
  return html`<div>
    ${value.map((name) => html`<${OfSnapshotter} key=${`${namespace} ${name}`} name=${name} namespace=${namespace} feed=${feed} />`)}
  </div>`;
}

async function snapshotters(signal: AbortSignal): Promise<string[]> {
  const path = 'containerd.services.introspection.v1.Introspection/Plugins';
  const { plugins = [] } = await call<{ plugins?: ReadonlyArray<{ id: string; initErr?: object }> }>(
    path,
    { filters: ['type==io.containerd.snapshotter.v1'] },
    { signal },
  );
  return plugins.filter(({ initErr }) => initErr === undefined).map(({ id }) => id);
}

function OfSnapshotter({ name, namespace, feed }: SnapshotsProps & { readonly name: string }): Shown {
  const [chosen, setChosen] = useState<string>();
  const inputs = [namespace, name, feed.count.snapshot, feed.count.containers, feed.count.images];
  const { value, error } = useLoaded((signal) => listed(name, namespace, signal), inputs, 300);
  if (error !== undefined)
    return html`<section><h3>${name}</h3><p class="empty">Can’t be told: ${error}</p></section>`;
  if (value === undefined || value.length === 0) return null;
  const items = flattened(value);
  const one = value.find((snapshot) => snapshot.name === chosen);
  return html`<section class="split" aria-label=${`Snapshots of ${name}`}>
    <div>
      <h3>${name}</h3>
      <${Tree} label=${`Snapshots of ${name}`} items=${items} chosen=${chosen} onChoose=${setChosen} />
    </div>
    <div aria-live="polite">
      ${one === undefined ? html`<p class="empty">Choose a snapshot to see what it takes and what keeps it.</p>` : html`<${Detail} key=${one.name} snapshot=${one} snapshotter=${name} namespace=${namespace} />`}
    </div>
  </section>`;
}

async function listed(snapshotter: string, namespace: string, signal: AbortSignal): Promise<Snapshot[]> {
  const found: Snapshot[] = [];
  const path = 'containerd.services.snapshots.v1.Snapshots/List';
  for await (const { info = [] } of stream<{ info?: Snapshot[] }>(
    path,
    { snapshotter },
    { namespace, signal },
  ))
    found.push(...info);
  return found;
}

interface DetailProps {
  readonly snapshot: Snapshot;
  readonly snapshotter: string;
  readonly namespace: string;
}

function Detail({ snapshot, snapshotter, namespace }: DetailProps): Shown {
  const { name, parent, kind = '', createdAt } = snapshot;
  const { value, error } = useLoaded(
    (signal) =>
      call<{ size?: string; inodes?: string }>(
        'containerd.services.snapshots.v1.Snapshots/Usage',
        { snapshotter, key: name },
        { namespace, signal },
      ),
    [name],
    0,
  );
  const size = value === undefined ? (error ?? '…') : formatSize(BigInt(value.size ?? 0));
  return html`<div class="card">
    <h4>${name}</h4>
    <dl>
      <${Field} name="Kind">${kind.toLowerCase()}<//>
      <${Field} name="Made on">${parent || 'nothing'}<//>
      <${Field} name="Created">${formatAge(createdAt)}<//>
      <${Field} name="Takes">${size}<//>
    </dl>
    <${Keeps} object=${{ kind: 'snapshots', snapshotter, name }} namespace=${namespace} />
  </div>`;
}
