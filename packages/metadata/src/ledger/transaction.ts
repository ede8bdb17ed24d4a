import {
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { Fault, type Labels } from '@stowage/core';
import type { Envelope } from '@stowage/events';
import { labelExpiry } from '@stowage/gc';
import { packMessage } from '@stowage/rpc';
import type { Batch } from '../database/commit-queue.ts';
import type { Database } from '../database/database.ts';
import { seal } from '../database/frame.ts';
import { listKey } from '../database/keys.ts';
import { earlier } from '../gc/expiry.ts';
import { namedBy } from '../gc/refs.ts';
import { type Garbage, type Intent, jsonBytes, type StoredIntent } from './intent.ts';
import type { LockSet } from './locks.ts';

export interface Stored<M> {
  readonly message: M;
  /** The backend's own name for the object; empty where no backend holds it. */
  readonly backend: string;
}

/**
 * Gathers what a mutation writes; nothing is written before it ends. Reads see the database, not what was
 * gathered.
 */
export class Transaction {
  readonly #db: Database;
  readonly #now: () => Date;
  readonly #locks: LockSet;
  readonly #puts = new Map<string, (seq: bigint) => Uint8Array>();
  readonly #deletes = new Set<string>();
  readonly #events: Envelope[] = [];
  readonly #garbage: Garbage[] = [];
  readonly #touched = new Set<string>();
  readonly #write: (build: (seq: bigint) => Batch) => Promise<bigint>;
  #intent: { readonly key: string; readonly stored: StoredIntent } | undefined;
  #refusal: Fault | undefined;
  #holds: () => boolean = () => true;
  #removes = false;
  #expires: Date | undefined;

  constructor(
    db: Database,
    now: () => Date,
    locks: LockSet,
    write: (build: (seq: bigint) => Batch) => Promise<bigint>,
  ) {
    this.#db = db;
    this.#now = now;
    this.#locks = locks;
    this.#write = write;
  }

  async get<D extends DescMessage>(schema: D, key: string): Promise<Stored<MessageShape<D>> | undefined> {
    const sealed = await this.#db.get(key);
    return sealed && { message: fromBinary(schema, sealed.payload), backend: sealed.backend };
  }

  async has(key: string): Promise<boolean> {
    return this.#db.has(key);
  }

  /** @param backend - The backend's name for it, or how to make one of the mutation's number. */
  put<D extends DescMessage>(
    schema: D,
    key: string,
    message: MessageShape<D>,
    backend: string | ((seq: bigint) => string) = '',
  ): void {
    const payload = toBinary(schema, message);
    this.#deletes.delete(key);
    this.#puts.set(key, (seq) => seal(key, payload, typeof backend === 'string' ? backend : backend(seq)));
    this.#touched.add(key);
    for (const named of namedBy(key, payload)) this.#touched.add(named);
    const { labels } = message as MessageShape<D> & { readonly labels?: Labels };
    if (labels !== undefined) this.#expires = earlier(this.#expires, labelExpiry(labels));
  }

  /** Puts an edge: a key whose value says nothing more. */
  putEdge(key: string, ...touched: string[]): void {
    this.#deletes.delete(key);
    this.#puts.set(key, () => seal(key, new Uint8Array()));
    for (const one of touched) this.#touched.add(one);
  }

  /** Says of an object that it is there, which keeps it from the collection under way. */
  touch(key: string): void {
    this.#touched.add(key);
  }

  delete(key: string): void {
    this.#puts.delete(key);
    this.#deletes.add(key);
  }

  /** An object goes, so what it held may be garbage. */
  removed(): void {
    this.#removes = true;
  }

  /** Leaves something in a backend to garbage collection. */
  discard(garbage: Garbage): void {
    this.#garbage.push(garbage);
    this.#removes = true;
  }

  /** Tells everybody, once it is on disk. */
  emit<D extends DescMessage>(namespace: string, topic: string, schema: D, event: MessageInitShape<D>): void {
    this.#events.push({ timestamp: this.#now(), namespace, topic, event: packMessage(schema, event) });
  }

  /**
   * Makes the mutation fail with `aborted` unless something still holds when it gets its place among the writes: after all
   * that were written before it.
   */
  onlyIf(holds: () => boolean): void {
    this.#holds = holds;
  }

  /** Lets the mutation be written and then fail: what is there already is leased all the same. */
  refuse(fault: Fault): void {
    this.#refusal = fault;
  }

  /**
   * Writes down what a backend will be asked to do, before it is. Once in a mutation. What was gathered may name
   * the number that `make` is given.
   *
   * @returns that number, which no other mutation ever has.
   */
  async intend(make: (seq: bigint, gathered: () => Batch) => Intent): Promise<bigint> {
    return this.#write((seq) => {
      const stored = { intent: make(seq, () => this.#batch(seq)), locks: this.#locks };
      const key = listKey('intent', seq);
      this.#intent = { key, stored };
      return { puts: new Map([[key, seal(key, jsonBytes(stored))]]), deletes: new Set(), events: [] };
    });
  }

  get intent(): { readonly key: string; readonly stored: StoredIntent } | undefined {
    return this.#intent;
  }

  get refusal(): Fault | undefined {
    return this.#refusal;
  }

  get removes(): boolean {
    return this.#removes;
  }

  /** When the first of what was put expires. */
  get expires(): Date | undefined {
    return this.#expires;
  }

  get touched(): ReadonlySet<string> {
    return this.#touched;
  }

  get isEmpty(): boolean {
    return (
      this.#puts.size === 0 &&
      this.#deletes.size === 0 &&
      this.#garbage.length === 0 &&
      this.#events.length === 0 &&
      this.#intent === undefined
    );
  }

  /**
   * All that was gathered, and the end of the intent.
   *
   * @throws Fault `aborted` if it is to be written only if something holds, which does not.
   */
  batch(seq: bigint): Batch {
    if (!this.#holds()) throw new Fault('aborted', 'write metadata: what it was for has changed meanwhile');
    const batch = this.#batch(seq);
    return this.#intent === undefined
      ? batch
      : { ...batch, deletes: new Set([...batch.deletes, this.#intent.key]) };
  }

  #batch(seq: bigint): Batch {
    const puts = new Map<string, Uint8Array>();
    for (const [key, sealed] of this.#puts) puts.set(key, sealed(seq));
    for (const [part, garbage] of this.#garbage.entries()) {
      const key = listKey('garbage', seq, part);
      puts.set(key, seal(key, jsonBytes(garbage)));
    }
    return { puts, deletes: this.#deletes, events: [...this.#events] };
  }
}
