import { useState } from 'preact/hooks';
import { type Deeds, useDeeds } from '../deeds.ts';
import type { EventsFeed } from '../events-feed.ts';
import { formatAge, formatSize, shortDigest } from '../format.ts';
import { useLoaded } from '../hooks.ts';
import { html, type Shown } from '../html.ts';
import { freedBy, freedSize, Keeps } from '../keeps.ts';
import { Field, Listing } from '../listing.ts';
import type { GcUsage, Image } from '../messages.ts';
import { call, stream } from '../rpc.ts';
import { CollectButton } from './collect.ts';

interface ImagesProps {
  readonly namespace: string;
  readonly feed: EventsFeed;
}

/** Sizes are counted over all that an image keeps, so they are asked for no more often than that. */
const PAUSE_MS = 500;

/** All images, what each takes, and what keeps it. */
export function Images({ namespace, feed }: ImagesProps): Shown {
  const inputs = [namespace, feed.count.images];
  const loaded = useLoaded((signal) => listed(namespace, signal), inputs);
  const sizes = useLoaded(
    (signal) => measured(namespace, signal),
    [...inputs, feed.count.snapshot],
    PAUSE_MS,
  );
  const cards = loaded.value?.map(
    (image) =>
      html`<${Card} key=${image.name} image=${image} size=${sizes.value?.get(image.name)} namespace=${namespace} />`,
  );
  return html`<div>
    <${CollectButton} />
    <${Listing} loaded=${loaded} empty="There are no images in this namespace.">${cards}<//>
  </div>`;
}

async function listed(namespace: string, signal: AbortSignal): Promise<readonly Image[]> {
  const path = 'containerd.services.images.v1.Images/List';
  const { images = [] } = await call<{ images?: Image[] }>(path, {}, { namespace, signal });
  return images.sort((a, b) => a.name.localeCompare(b.name));
}

/** What each image keeps, and what nothing else does. */
async function measured(namespace: string, signal: AbortSignal): Promise<ReadonlyMap<string, GcUsage>> {
  const found = new Map<string, GcUsage>();
  const pages = stream<{ usages?: GcUsage[] }>(
    'stowage.gc.v1.GarbageCollection/Usage',
    { detail: true },
    { namespace, signal },
  );
  for await (const { usages = [] } of pages)
    for (const usage of usages)
      if (usage.object?.kind === 'images') found.set(usage.object.name ?? '', usage);
  return found;
}

interface CardProps {
  readonly image: Image;
  readonly size: GcUsage | undefined;
  readonly namespace: string;
}

function Card({ image, size, namespace }: CardProps): Shown {
  const deeds = useDeeds();
  const [isExplained, setExplained] = useState(false);
  const { name, target, updatedAt } = image;
  const object = { kind: 'images', name };
  const blob = { kind: 'content', name: target?.digest ?? '' };
  const bytes = (count: string | undefined) => (size === undefined ? '…' : formatSize(BigInt(count ?? 0)));
  return html`<li class="card">
    <h3>${name}</h3>
    <dl>
      <${Field} name="Digest"><code title=${target?.digest}>${shortDigest(target?.digest)}</code><//>
      <${Field} name="Updated">${formatAge(updatedAt)}<//>
      <${Field} name="Size">${bytes(size?.sizeBytes)}<//>
      <${Field} name="Its alone">${bytes(size?.uniqueBytes)}<//>
    </dl>
    <div class="actions">
      <button type="button" aria-expanded=${isExplained} onClick=${() => setExplained(!isExplained)}>What keeps it?<span class="hidden"> (${name})</span></button>
      <button type="button" class="danger" aria-label=${`Remove ${name}`} onClick=${() => void remove(deeds, name, namespace)}>Remove</button>
    </div>
    ${isExplained ? html`<${Keeps} object=${blob} removable=${object} namespace=${namespace} />` : null}
  </li>`;
}

async function remove(deeds: Deeds, name: string, namespace: string): Promise<void> {
  const freed = await freedBy({ kind: 'images', name }, namespace).catch(() => undefined);
  const frees = freed ? ` The next garbage collection then frees ${formatSize(freedSize(freed))}.` : '';
  const text = `The image loses this name; containers that were made from it stay.${frees}`;
  if (!(await deeds.ask({ title: `Remove ${name}?`, text, answer: 'Remove' }))) return;
  await deeds.attempt(`Remove ${name}`, async () => {
    await call('containerd.services.images.v1.Images/Delete', { name }, { namespace });
    return `${name} was removed`;
  });
}
