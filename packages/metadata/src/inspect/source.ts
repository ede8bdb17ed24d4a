import type { FactSource } from '@stowage/gc/inspect';
import type { Collector } from '../gc/collector.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { bytesInBackend, inBackend } from './backends.ts';
import { factsIn } from './facts.ts';
import { orphansIn } from './orphans.ts';

/** Facts of our own records and backends: there is nothing that can't be known. */
export function recordedFacts(ledger: Ledger, collector: Pick<Collector, 'collect'>): FactSource {
  return {
    limits: [],
    now: ledger.now,
    facts: (namespace, options) => factsIn(ledger, namespace, options),
    async bytesOf({ id, handle }, options) {
      const one = inBackend(id, handle);
      const bytes = one && (await bytesInBackend(ledger.backends, one, options));
      // The record of an ingest is made before anybody writes.
      return bytes ?? (id.kind === 'ingests' ? 0n : undefined);
    },
    orphans: (options) => orphansIn(ledger, options),
    async collect({ signal }) {
      signal?.throwIfAborted();
      const { removed, pruned, durationMs } = await collector.collect();
      return { removed, pruned, durationMs };
    },
  };
}
