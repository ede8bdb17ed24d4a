import { type DescMessage, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import { type CallOptions, compileFilters, Fault, type FieldAdaptor, quote } from '@stowage/core';
import { objectKey, rangeOf, type Table, tablePrefix } from './database/keys.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { Transaction } from './ledger/transaction.ts';

/** What records of one kind are made of, and called. */
export interface RecordKind<D extends DescMessage, T> {
  readonly table: Table;
  /** In messages. */
  readonly noun: string;
  readonly schema: D;
  readonly fromWire: (message: MessageShape<D>) => T;
  readonly fieldsOf: (record: T) => FieldAdaptor;
}

/** The records of one kind and namespace, as all stores of records read them. */
export interface RecordTable<T> {
  keyOf(name: string): string;
  /** @throws Fault `not_found` */
  get(name: string, options?: CallOptions): Promise<T>;
  /** @throws Fault `invalid_argument` for a filter that can't be parsed. */
  list(filters?: readonly string[], options?: CallOptions): AsyncGenerator<T>;
  /** The record that a mutation begins with. @throws Fault `not_found` */
  current(tx: Transaction, name: string): Promise<T>;
  /** @throws Fault `not_found` */
  mustExist(tx: Transaction, name: string): Promise<void>;
  /** @throws Fault `already_exists` */
  mustNotExist(tx: Transaction, name: string): Promise<void>;
  notFound(name: string): Fault;
}

export function recordTable<D extends DescMessage, T>(
  ledger: Ledger,
  namespace: string,
  { table, noun, schema, fromWire, fieldsOf }: RecordKind<D, T>,
): RecordTable<T> {
  const keyOf = (name: string) => objectKey(namespace, table, name);
  const notFound = (name: string) => new Fault('not_found', `${noun} ${quote(name)}: not found`);
  const read = (payload: Uint8Array) => fromWire(fromBinary(schema, payload));
  return {
    keyOf,
    notFound,
    async get(name, { signal } = {}) {
      signal?.throwIfAborted();
      const sealed = await ledger.db.get(keyOf(name));
      if (sealed === undefined) throw notFound(name);
      return read(sealed.payload);
    },
    async *list(filters = [], { signal } = {}) {
      signal?.throwIfAborted();
      const matches = compileFilters(filters);
      for await (const [, { payload }] of ledger.db.entries(rangeOf(tablePrefix(namespace, table)))) {
        signal?.throwIfAborted();
        const record = read(payload);
        if (matches(fieldsOf(record))) yield record;
      }
    },
    async current(tx, name) {
      const stored = await tx.get(schema, keyOf(name));
      if (stored === undefined) throw notFound(name);
      return fromWire(stored.message);
    },
    async mustExist(tx, name) {
      if (!(await tx.has(keyOf(name)))) throw notFound(name);
    },
    async mustNotExist(tx, name) {
      if (await tx.has(keyOf(name)))
        throw new Fault('already_exists', `${noun} ${quote(name)}: already exists`);
    },
  };
}
