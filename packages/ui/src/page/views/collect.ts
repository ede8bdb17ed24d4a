import { useState } from 'preact/hooks';
import { type Deeds, useDeeds } from '../deeds.ts';
import { formatSize } from '../format.ts';
import { html, type Shown } from '../html.ts';
import { call, reasonOf, stream } from '../rpc.ts';

const SERVICE = 'stowage.gc.v1.GarbageCollection';

/** Runs a garbage collection, once somebody has seen what that removes. */
export function CollectButton(): Shown {
  const deeds = useDeeds();
  const [isBusy, setBusy] = useState(false);
  const onClick = async () => {
    setBusy(true);
    await collect(deeds);
    setBusy(false);
  };
  return html`<div class="actions">
    <button type="button" disabled=${isBusy} onClick=${onClick}>Collect garbage …</button>
  </div>`;
}

interface Done {
  readonly removed?: string;
  readonly freedBytes?: string;
}

async function collect(deeds: Deeds): Promise<void> {
  const text = await planned().catch((e: unknown) => `What it would remove can’t be told: ${reasonOf(e)}.`);
  const title = 'Collect garbage in all namespaces?';
  if (!(await deeds.ask({ title, text, answer: 'Collect' }))) return;
  await deeds.attempt('Collect garbage', async () => {
    const { removed = '0', freedBytes = '0' } = await call<Done>(`${SERVICE}/Run`, {});
    return `Garbage was collected: ${removed} records removed, ${formatSize(BigInt(freedBytes))} freed`;
  });
}

async function planned(): Promise<string> {
  let [objects, bytes] = [0, 0n];
  for await (const { removals = [] } of stream<{ removals?: ReadonlyArray<{ freesBytes?: string }> }>(
    `${SERVICE}/Plan`,
    {},
  )) {
    objects += removals.length;
    for (const { freesBytes = '0' } of removals) bytes += BigInt(freesBytes);
  }
  if (objects === 0) return 'There is nothing that nobody needs.';
  return `It removes ${objects} ${objects === 1 ? 'object' : 'objects'} that nothing keeps, for good, and frees ${formatSize(bytes)}.`;
}
