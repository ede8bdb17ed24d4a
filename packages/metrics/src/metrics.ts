import { type Logger, type Slot, silentLogger } from '@stowage/core';
import type { CallObserver } from '@stowage/rpc/server';
import { CallFigures } from './call-figures.ts';
import type { Collector } from './collector.ts';
import { type Family, render } from './exposition.ts';
import { type Collection, KeptFigures } from './kept-figures.ts';

/** What a daemon tells of itself. */
export interface Metrics {
  /** To be told of calls, by whoever serves them. */
  readonly calls: CallObserver;
  /** Has one more asked for figures. Its names must be its own. */
  add(collector: Collector): void;
}

export const metricsSlot: Slot<Metrics> = { type: 'io.containerd.server.v1', id: 'metrics', api: 1 };

/** All figures there are, for whoever asks for them as text. */
export class Figures implements Metrics, AsyncDisposable {
  readonly calls: CallFigures;
  readonly #log: Logger;
  readonly #kept: KeptFigures[] = [];

  constructor({ histogram, log = silentLogger }: { readonly histogram: boolean; readonly log?: Logger }) {
    this.calls = new CallFigures({ histogram });
    this.#log = log;
  }

  add(collector: Collector): void {
    this.#kept.push(new KeptFigures(collector, this.#log));
  }

  /** All of it in the text format 0.0.4, in pieces. Takes 3 s at most. @throws the signal's reason. */
  async *text(signal: AbortSignal): AsyncGenerator<string> {
    const collections = await Promise.all(this.#kept.map((one) => one.read(signal)));
    yield* render(this.calls.families());
    for (const { families } of collections) yield* render(families);
    yield* render(aboutCollecting(collections));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#kept.map((one) => one.stop(new Error('the daemon stops'))));
  }
}

function aboutCollecting(collections: readonly Collection[]): Family[] {
  const each = (value: (of: Collection) => number) =>
    collections.map((of) => ({ labels: { collector: of.name }, value: value(of) }));
  return [
    {
      name: 'stowage_scrape_collector_seconds',
      help: 'How long the last collection took.',
      type: 'gauge',
      samples: each(({ tookMs }) => tookMs / 1000),
    },
    {
      name: 'stowage_scrape_collector_success',
      help: 'Whether the last collection had figures.',
      type: 'gauge',
      samples: each(({ succeeded }) => (succeeded ? 1 : 0)),
    },
  ];
}
