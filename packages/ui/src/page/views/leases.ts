import { useState } from 'preact/hooks';
import { formatAge } from '../format.ts';
import { useLoaded, useTick } from '../hooks.ts';
import { html, type Shown } from '../html.ts';
import { Field, Listing } from '../listing.ts';
import type { Lease } from '../messages.ts';
import { call } from '../rpc.ts';

interface LeasesProps {
  readonly namespace: string;
  readonly isVisible: boolean;
}

const EXPIRE = 'containerd.io/gc.expire';
const SERVICE = 'containerd.services.leases.v1.Leases';

/** No event tells of leases. */
const PERIOD_MS = 3000;

/** What is held though nothing refers to it, and until when. */
export function Leases({ namespace, isVisible }: LeasesProps): Shown {
  const tick = useTick(PERIOD_MS, isVisible);
  const loaded = useLoaded(
    async (signal) => {
      const { leases = [] } = await call<{ leases?: Lease[] }>(`${SERVICE}/List`, {}, { namespace, signal });
      return leases;
    },
    [namespace, tick],
    0,
  );
  const cards = loaded.value?.map(
    (lease) => html`<${Card} key=${lease.id} lease=${lease} namespace=${namespace} />`,
  );
  return html`<${Listing} loaded=${loaded} empty="There are no leases in this namespace.">${cards}<//>`;
}

function Card({ lease, namespace }: { readonly lease: Lease; readonly namespace: string }): Shown {
  const [isOpen, setOpen] = useState(false);
  const { id, createdAt, labels = {} } = lease;
  const { [EXPIRE]: expires, ...others } = labels;
  const pairs = Object.entries(others).map(([name, value]) => `${name}=${value}`);
  return html`<li class="card">
    <h3>${id}</h3>
    <dl>
      <${Field} name="Created">${formatAge(createdAt)}<//>
      <${Field} name="Expires">${expires === undefined ? 'never' : new Date(expires).toLocaleString()}<//>
      ${pairs.length === 0 ? null : html`<${Field} name="Labels">${pairs.join(', ')}<//>`}
    </dl>
    <div class="actions">
      <button type="button" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}>What it holds<span class="hidden"> (${id})</span></button>
    </div>
    ${isOpen ? html`<${Resources} id=${id} namespace=${namespace} />` : null}
  </li>`;
}

function Resources({ id, namespace }: { readonly id: string; readonly namespace: string }): Shown {
  const { value, error } = useLoaded(
    async (signal) => {
      const path = `${SERVICE}/ListResources`;
      const options = { namespace, signal };
      return (
        (await call<{ resources?: ReadonlyArray<{ id: string; type: string }> }>(path, { id }, options))
          .resources ?? []
      );
    },
    [id, namespace],
    0,
  );
  if (value === undefined) return html`<p class="empty">${error ?? 'Loading …'}</p>`;
  if (value.length === 0) return html`<p class="empty">Nothing.</p>`;
  return html`<ul class="keeps">${value.map((one) => html`<li key=${`${one.type} ${one.id}`}>${one.type} ${one.id}</li>`)}</ul>`;
}
