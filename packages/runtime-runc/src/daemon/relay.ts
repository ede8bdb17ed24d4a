import type { Logger } from '@stowage/core';
import type { Envelope, Events } from '@stowage/events';
import type { Holdings } from './holdings.ts';
import type { ProcessTable } from './process-table.ts';
import type { TableSource } from './table-source.ts';
import type { TaskChange } from './task-change.ts';

export interface RelayOptions {
  readonly source: TableSource;
  readonly table: ProcessTable;
  readonly holdings: Holdings;
  /** Where events are passed on to. */
  readonly events: Pick<Events, 'forward'>;
  readonly log: Logger;
  /** Called after the table was changed. */
  onChange(change: TaskChange): void;
}

/** Keeps the table current from the events of one supervisor, and passes them on. */
export class Relay {
  readonly options: RelayOptions;
  /** Number of the last event that was passed on; it outlasts connections. */
  passedOn = 0n;

  constructor(options: RelayOptions) {
    this.options = options;
  }

  /** Events are given in their order. Never rejects. */
  async tell(seq: bigint, envelope: Envelope): Promise<void> {
    const { source, table, holdings, events, log, onChange } = this.options;
    const { namespace, topic } = envelope;
    const { change, again } = table.apply(source, Number(seq), envelope);
    if (change !== undefined) {
      holdings.follow(namespace, change, table);
      onChange(change);
    }
    if (!again) {
      await events.forward(envelope).catch((err: unknown) => {
        log.error({ err, namespace, topic }, 'passing on an event failed');
      });
    }
    this.passedOn = seq;
  }
}
