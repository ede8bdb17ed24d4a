import assert from 'node:assert/strict';
import type { Envelope } from '@stowage/events';
import type { CaseContext } from './subject.ts';
import { newContainer, target } from './support.ts';

const PATIENCE_MS = 20_000;

/** What is told of a namespace while `act` runs, in order. */
export async function hear(context: CaseContext, own: string, act: () => Promise<void>): Promise<Envelope[]> {
  const { services, namespace } = context;
  const probes = namespace();
  const probe = services.scope({ namespace: probes });
  const stop = new AbortController();
  const heard = services.events
    .subscribe([`namespace==${own}`, `namespace==${probes}`], { signal: stop.signal })
    [Symbol.asyncIterator]();
  try {
    let next = heard.next();
    // Nobody tells when a subscription has begun, so it is tried out.
    await within('the subscription', async (until) => {
      for (let n = 0; ; n += 1) {
        await probe.images.create({ name: `probe-${n}`, target, labels: {} });
        const pause = new Promise<false>((resolve) => setTimeout(resolve, 20, false));
        if (await Promise.race([next.then(() => true), pause, until])) return;
      }
    });
    await act();
    await probe.containers.create(newContainer('end'));
    const envelopes: Envelope[] = [];
    await within('the last event', async (until) => {
      for (;;) {
        const one = await Promise.race([next, until]);
        assert.ok(one !== true && !one.done, 'the stream of events ended');
        if (one.value.namespace === own) envelopes.push(one.value);
        else if (one.value.topic === '/containers/create') return;
        next = heard.next();
      }
    });
    return envelopes;
  } finally {
    stop.abort();
    await heard.return?.().catch(() => undefined);
  }
}

async function within(what: string, work: (until: Promise<true>) => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<true>((_, reject) => {
    const text = `${what} did not come within ${PATIENCE_MS / 1000} s`;
    timer = setTimeout(() => reject(new assert.AssertionError({ message: text })), PATIENCE_MS);
  });
  try {
    await work(late);
  } finally {
    clearTimeout(timer);
  }
}
