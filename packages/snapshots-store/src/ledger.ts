import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault, type Logger, reasonOf } from '@stowage/core';
import type { Level } from 'level';
import { type Entry, encodeEntry, entryOf } from './entry.ts';
import type { Head } from './head.ts';
import { keepCopy } from './keep-copy.ts';
import { faultOf, openLevel, readAll, readEntry } from './level.ts';
import { readMark, writeMark } from './mark.ts';

/** One entry that changes. Undefined stands for "not there". */
export interface Change {
  readonly key: string;
  readonly before: Entry | undefined;
  readonly after: Entry | undefined;
}

interface Waiting {
  readonly changes: readonly Change[];
  readonly done: PromiseWithResolvers<void>;
}

/** Hears of all entries, each time the database was opened and before anything else happens in it. */
export type OnScan = () => { entry(key: string, text: string): void; end(): void };

const MARK_INTERVAL_MS = 1000;

/**
 * A level database that notices damage. Writes are durable when they settle; those that wait for each other's fsync
 * go into one batch.
 *
 * A failed write means *unknown*: it may be there after all. LevelDB then acknowledges later writes and loses them,
 * so the handle is closed, and opened again before anything else happens.
 */
export class Ledger {
  readonly #dir: string;
  readonly #log: Logger;
  readonly #onScan: OnScan;
  #opening: Promise<Level<string, string>> | undefined;
  #head!: Head;
  #nextId = 1;
  #queue: Waiting[] = [];
  #draining: Promise<void> | undefined;
  #marking: NodeJS.Timeout | undefined;
  #markWrites: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(dir: string, log: Logger, onScan: OnScan) {
    this.#dir = dir;
    this.#log = log;
    this.#onScan = onScan;
  }

  /**
   * @throws Fault `failed_precondition` if another process has it open; `data_loss` if what is there is not what was
   *   written.
   */
  static async open(dir: string, log: Logger, onScan: OnScan): Promise<Ledger> {
    const ledger = new Ledger(dir, log, onScan);
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const copy = await keepCopy(join(dir, 'index'), join(dir, 'kept')).catch((e) => {
      log.warn({ err: e, dir }, `snapshot index is opened without a copy of it: ${reasonOf(e)}`);
    });
    try {
      await ledger.ready();
    } catch (e) {
      if (Fault.is(e, 'data_loss')) await copy?.keepOfDamaged();
      else await copy?.drop();
      throw e;
    }
    await copy?.keep();
    return ledger;
  }

  /** Waits until the database is open, opening it if a failure closed it. */
  async ready(): Promise<Level<string, string>> {
    if (this.#closed) throw new Fault('unavailable', `snapshot index ${this.#dir}: closed`);
    this.#opening ??= this.#open();
    try {
      return await this.#opening;
    } catch (e) {
      this.#opening = undefined;
      throw e;
    }
  }

  /** An id that was never given out before; part of the next batch. */
  takeId(): number {
    return this.#nextId++;
  }

  async get(key: string): Promise<Entry | undefined> {
    return readEntry(await this.ready(), key);
  }

  /** All entries as of one moment, by key. */
  async *entries(): AsyncGenerator<{ readonly key: string; readonly text: string }> {
    yield* readAll(await this.ready());
  }

  /** All or nothing. Nobody else may be changing these keys. */
  async write(changes: readonly Change[]): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.#queue.push({ changes, done });
    this.#draining ??= this.#drain();
    await done.promise;
  }

  async close(): Promise<void> {
    await this.#draining;
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#marking);
    const level = await this.#opening?.catch(() => undefined);
    await this.#mark();
    await level?.close();
  }

  async #open(): Promise<Level<string, string>> {
    const mark = await readMark(join(this.#dir, 'mark'));
    const { level, head } = await openLevel(join(this.#dir, 'index'), mark, this.#onScan);
    try {
      this.#head = head ?? { schema: 1, uuid: randomUUID(), sequence: 0, nextId: 1, count: 0, sum: 0 };
      if (head === undefined) await level.batch(headPut(this.#head), { sync: true });
      if (mark === undefined) await writeMark(join(this.#dir, 'mark'), this.#head);
    } catch (e) {
      await level.close();
      throw faultOf(e, `open snapshot index ${this.#dir}`);
    }
    // An id that was given out before a failed write stays given out: the write may have happened.
    this.#nextId = Math.max(this.#nextId, this.#head.nextId);
    return level;
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const group = this.#queue.splice(0);
      try {
        await this.#writeGroup(group.flatMap(({ changes }) => changes));
        for (const { done } of group) done.resolve();
      } catch (e) {
        for (const { done } of group) done.reject(e);
      }
    }
    this.#draining = undefined;
  }

  async #writeGroup(changes: readonly Change[]): Promise<void> {
    const level = await this.ready();
    let { count, sum } = this.#head;
    for (const { before, after } of changes) {
      count += Number(after !== undefined) - Number(before !== undefined);
      sum ^= (before?.checksum ?? 0) ^ (after?.checksum ?? 0);
    }
    const sequence = this.#head.sequence + 1;
    const head: Head = { ...this.#head, sequence, nextId: this.#nextId, count, sum: sum >>> 0 };
    const operations = changes.map(({ key, after }) =>
      after === undefined
        ? { type: 'del' as const, key: `s/${key}` }
        : { type: 'put' as const, key: `s/${key}`, value: encodeEntry(after) },
    );
    try {
      await level.batch([...operations, ...headPut(head)], { sync: true });
    } catch (e) {
      this.#poison(level);
      throw faultOf(e, `write snapshot index ${this.#dir}: it may or may not have happened`);
    }
    this.#head = head;
    this.#marking ??= setTimeout(() => {
      this.#marking = undefined;
      this.#markWrites = this.#mark();
    }, MARK_INTERVAL_MS).unref();
  }

  #poison(level: Level<string, string>): void {
    const opening = level.close().then(() => this.#open());
    // Whoever comes next awaits it, and sees its failure; until then nobody may be there.
    opening.catch((e) => this.#log.error({ err: e, dir: this.#dir }, 'snapshot index could not be reopened'));
    this.#opening = opening;
  }

  async #mark(): Promise<void> {
    await this.#markWrites;
    try {
      await writeMark(join(this.#dir, 'mark'), this.#head);
    } catch (e) {
      this.#log.warn({ err: e, dir: this.#dir }, `mark of the snapshot index not written: ${reasonOf(e)}`);
    }
  }
}

function headPut(head: Head): { type: 'put'; key: string; value: string }[] {
  return [{ type: 'put', key: 'head', value: encodeEntry(entryOf('head', JSON.stringify(head))) }];
}
