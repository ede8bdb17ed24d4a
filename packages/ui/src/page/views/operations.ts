import { type Deeds, useDeeds } from '../deeds.ts';
import { formatAge, formatSize, shortDigest } from '../format.ts';
import { html, type Shown } from '../html.ts';
import { Field, Listing } from '../listing.ts';
import type { Operation, Part } from '../messages.ts';
import { isRunning, type OperationsFeed } from '../operations-feed.ts';
import { call } from '../rpc.ts';

interface OperationsProps {
  readonly namespace: string;
  readonly feed: OperationsFeed;
}

/** What is going on, how far it is, and what has ended lately. */
export function Operations({ namespace, feed }: OperationsProps): Shown {
  const { state, operations } = feed;
  const loaded = {
    value: state === 'connecting' ? undefined : operations,
    error: undefined,
    isUnknown: state === 'absent',
  };
  const cards = operations.map(
    (one) => html`<${Card} key=${one.id} operation=${one} namespace=${namespace} />`,
  );
  return html`<${Listing} loaded=${loaded} empty="Nothing is going on.">${cards}<//>`;
}

const STATES: Readonly<Record<string, readonly [sign: string, word: string]>> = {
  STATE_RUNNING: ['▶', 'running'],
  STATE_DONE: ['✓', 'done'],
  STATE_FAILED: ['✗', 'failed'],
  STATE_CANCELED: ['■', 'canceled'],
};

function Card({
  operation,
  namespace,
}: {
  readonly operation: Operation;
  readonly namespace: string;
}): Shown {
  const deeds = useDeeds();
  const {
    kind = '',
    subject = '',
    state = '',
    phases = [],
    parts = [],
    error,
    startedBy,
    startedAt,
  } = operation;
  const [sign, word] = STATES[state] ?? ['', state];
  const runs = isRunning(operation);
  const phase = runs ? (phases.at(-1)?.name ?? '') : '';
  const name = `${kind} ${subject}`.trim();
  return html`<li class="card">
    <h3>${name}</h3>
    <p class=${`status ${runs ? 'alive' : ''}`}><span aria-hidden="true">${sign}</span> ${word}${phase && `: ${phase}`}</p>
    ${error === undefined ? null : html`<p class="error">${error.message}</p>`}
    <${Progress} name=${name} parts=${parts} runs=${runs} />
    <dl>
      <${Field} name="Started">${formatAge(startedAt)}<//>
      ${startedBy ? html`<${Field} name="By">${startedBy}<//>` : null}
    </dl>
    ${
      runs && operation.cancelable
        ? html`<div class="actions"><button type="button" class="danger" aria-label=${`Cancel ${name}`} onClick=${() => void cancel(deeds, operation, name, namespace)}>Cancel</button></div>`
        : null
    }
  </li>`;
}

interface ProgressProps {
  readonly name: string;
  readonly parts: readonly Part[];
  readonly runs: boolean;
}

/** Of an archive it is not known how much there is. */
function Progress({ name, parts, runs }: ProgressProps): Shown {
  if (parts.length === 0) return null;
  let [done, total] = [0n, 0n];
  for (const part of parts) {
    const [one, of] = [BigInt(part.bytesDone ?? 0), BigInt(part.bytesTotal ?? 0)];
    done += one;
    total += of > one ? of : one;
  }
  const isKnown = parts.some(({ bytesTotal }) => bytesTotal !== undefined);
  const text = isKnown ? `${formatSize(done)} of ${formatSize(total)}` : formatSize(done);
  const bar = isKnown && total > 0n ? { max: 1000, value: Number((done * 1000n) / total) } : {};
  return html`<div>
    ${runs ? html`<progress aria-label=${`Progress of ${name}`} ...${bar}>${text}</progress>` : null}
    <p class="amount">${text}, ${parts.length} ${parts.length === 1 ? 'part' : 'parts'}</p>
    ${
      runs
        ? html`<ul class="parts">${parts
            .slice(0, 20)
            .map(
              (part, i) =>
                html`<li key=${i}><code>${shortDigest(part.name)}</code> ${part.stage} ${part.state}</li>`,
            )}</ul>`
        : null
    }
  </div>`;
}

async function cancel(deeds: Deeds, { id }: Operation, name: string, namespace: string): Promise<void> {
  const text = 'It ends, and what it has done so far may be for nothing.';
  if (!(await deeds.ask({ title: `Cancel ${name}?`, text, answer: 'Cancel it' }))) return;
  await deeds.attempt(`Cancel ${name}`, async () => {
    await call('stowage.operations.v1.Operations/Cancel', { id }, { namespace });
    return `${name} was told to end`;
  });
}
