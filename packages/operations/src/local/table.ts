import { randomUUID } from 'node:crypto';
import { Bell, type Position } from '@stowage/core';
import type { LocalOperation } from './local-operation.ts';

export interface TableBounds {
  /** Operations that have ended and are kept. */
  readonly maxEnded: number;
  /** Parts that these may have in all. */
  readonly maxEndedParts: number;
}

/**
 * All operations, in the order of their last changes, each with the number of that change. So whoever has heard of all up
 * to a number lacks what comes behind it, and a subscriber is no more than a number.
 */
export class OperationTable {
  readonly epoch = randomUUID();
  /** Rings at each change. */
  readonly changes = new Bell();
  readonly #bounds: TableBounds;
  readonly #operations = new Map<string, LocalOperation>();
  #sequence = 0n;
  #forgotten = 0n;

  constructor(bounds: TableBounds) {
    this.#bounds = bounds;
  }

  /** The last change of an operation that is no longer kept. */
  get forgotten(): bigint {
    return this.#forgotten;
  }

  /** @returns the number of the change. */
  changed(operation: LocalOperation): bigint {
    this.#sequence += 1n;
    this.#operations.delete(operation.id);
    this.#operations.set(operation.id, operation);
    this.changes.ring();
    return this.#sequence;
  }

  /** To be called after an operation's last change. */
  ended(): void {
    const { maxEnded, maxEndedParts } = this.#bounds;
    let [count, parts] = [0, 0];
    for (const { isEnded, partCount } of this.#operations.values()) {
      if (!isEnded) continue;
      count += 1;
      parts += partCount;
    }
    for (; count > maxEnded || (parts > maxEndedParts && count > 1); count -= 1) {
      const oldest = this.#leastMissed();
      if (oldest === undefined) return;
      parts -= oldest.partCount;
      this.#operations.delete(oldest.id);
      if (oldest.sequence > this.#forgotten) this.#forgotten = oldest.sequence;
    }
  }

  get(id: string): LocalOperation | undefined {
    return this.#operations.get(id);
  }

  /** In the order of their last changes. */
  all(): Iterable<LocalOperation> {
    return this.#operations.values();
  }

  /** Whether whoever has heard of all up to a position can be told what it lacks. */
  knows({ epoch, sequence }: Position): boolean {
    if (epoch !== '' && epoch !== this.epoch) return false;
    return sequence >= this.#forgotten && sequence <= this.#sequence;
  }

  /** Collections come often and pulls do not: the oldest of the kind that there are most of. */
  #leastMissed(): LocalOperation | undefined {
    const kinds = new Map<string, { count: number; readonly oldest: LocalOperation }>();
    for (const operation of this.#operations.values()) {
      if (!operation.isEnded) continue;
      const kind = kinds.get(operation.kind);
      if (kind === undefined) kinds.set(operation.kind, { count: 1, oldest: operation });
      else kind.count += 1;
    }
    let most: { readonly count: number; readonly oldest: LocalOperation } | undefined;
    for (const kind of kinds.values()) if (most === undefined || kind.count > most.count) most = kind;
    return most?.oldest;
  }
}
