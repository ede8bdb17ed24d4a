import { type FileHandle, open, readFile, rename } from 'node:fs/promises';
import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf';
import { abortable, type Logger, unlessAbsent } from '@stowage/core';
import type { Envelope } from '@stowage/events';
import { packMessage } from '@stowage/rpc';
import { compacted } from './compact-events.ts';
import { type LoggedEvent, lineOfAck, lineOfEvent, parseEventLines } from './event-lines.ts';

/** A file longer than this is written anew when something was acknowledged. */
const REWRITE_BYTES = 256 * 1024;
/** With more events than this unacknowledged, those that later ones supersede go. */
const COMPACT_EVENTS = 4096;

/**
 * Events in the order in which they happened, kept in a file until they are acknowledged, so that neither the death
 * of the daemon nor of this process loses one. A reader sees an event once it is in the file.
 *
 * The file need not outlive the machine, so nothing is fsynced.
 */
export class EventLog implements AsyncDisposable {
  readonly #path: string;
  readonly #log: Logger;
  #file: FileHandle;
  #size: number;
  /** Numbers given out, and of these the last one that readers can see. */
  #lastSeq: number;
  #visibleSeq: number;
  /** Unacknowledged and in the file, in order. */
  #kept: readonly LoggedEvent[];
  #acked: number;
  #pending: LoggedEvent[] = [];
  #writing: Promise<void> = Promise.resolve();
  #changed = Promise.withResolvers<void>();

  private constructor(path: string, log: Logger, file: FileHandle, kept: LoggedEvent[], acked: number) {
    this.#path = path;
    this.#log = log;
    this.#file = file;
    this.#kept = kept;
    this.#acked = acked;
    this.#visibleSeq = Math.max(acked, kept.at(-1)?.seq ?? 0);
    this.#lastSeq = this.#visibleSeq;
    this.#size = REWRITE_BYTES;
  }

  static async open(path: string, log: Logger): Promise<EventLog> {
    const text = (await unlessAbsent(readFile(path, 'utf8'))) ?? '';
    const { events, acked, damaged } = parseEventLines(text);
    if (damaged > 0) log.error({ path, damaged }, 'lines of the event file cannot be read and are left out');
    const kept = events.filter(({ seq }) => seq > acked);
    const opened = new EventLog(path, log, await open(path, 'a', 0o600), kept, acked);
    // A last line that a crash cut short would swallow the next one.
    await opened.#rewrite();
    return opened;
  }

  /** Number of the last event that readers can see. */
  get seq(): number {
    return this.#visibleSeq;
  }

  /** How many events were not acknowledged yet. */
  get waiting(): number {
    return this.#kept.length + this.#pending.length;
  }

  /** What was not acknowledged yet and is in the file, in order. */
  get kept(): readonly LoggedEvent[] {
    return this.#kept;
  }

  /** Settles when readers can see the event. Events are in the order of the calls. Never rejects. */
  append<D extends DescMessage>(
    namespace: string,
    topic: string,
    schema: D,
    init: MessageInitShape<D>,
    timestamp = new Date(),
  ): Promise<void> {
    const envelope: Envelope = { timestamp, namespace, topic, event: packMessage(schema, init) };
    this.#pending.push({ seq: ++this.#lastSeq, envelope });
    return this.#next(() => this.#flush());
  }

  /** Events after a number: those that are kept, then each as it happens. Ends only with the signal. */
  async *read(afterSeq: number, signal: AbortSignal): AsyncGenerator<LoggedEvent> {
    let last = afterSeq;
    for (;;) {
      signal.throwIfAborted();
      const changed = this.#changed.promise;
      const visible = this.#visibleSeq;
      for (const event of this.#kept) {
        if (event.seq <= last) continue;
        yield event;
        last = event.seq;
      }
      // Events that were acknowledged are kept no more: a reader that asks for them goes on behind them.
      last = Math.max(last, visible);
      if (this.#visibleSeq <= last) await abortable(changed, signal);
    }
  }

  /** Forgets an event and all before it. */
  async ack(seq: number): Promise<void> {
    if (seq <= this.#acked) return;
    this.#acked = Math.min(seq, this.#visibleSeq);
    this.#kept = this.#kept.filter((event) => event.seq > this.#acked);
    await this.#next(async () => {
      if (this.#size >= REWRITE_BYTES) await this.#rewrite();
      else await this.#write(lineOfAck(this.#acked));
    });
  }

  #next(work: () => Promise<void>): Promise<void> {
    this.#writing = this.#writing.then(work).catch((err: unknown) => {
      // In memory they are kept all the same; only the death of this process loses them now.
      this.#log.error({ err }, `write events to ${this.#path} failed`);
    });
    return this.#writing;
  }

  async #flush(): Promise<void> {
    const batch = this.#pending;
    if (batch.length === 0) return;
    this.#pending = [];
    try {
      await this.#write(batch.map(lineOfEvent).join(''));
    } finally {
      this.#kept = [...this.#kept, ...batch];
      this.#visibleSeq = batch.at(-1)?.seq ?? this.#visibleSeq;
      if (this.#kept.length > COMPACT_EVENTS) this.#kept = compacted(this.#kept);
      const { resolve } = this.#changed;
      this.#changed = Promise.withResolvers<void>();
      resolve();
    }
  }

  async #write(text: string): Promise<void> {
    this.#size += text.length;
    await this.#file.appendFile(text);
  }

  async #rewrite(): Promise<void> {
    const text = lineOfAck(this.#acked) + this.#kept.map(lineOfEvent).join('');
    const temporary = `${this.#path}.new`;
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.appendFile(text);
      await rename(temporary, this.#path);
    } catch (e) {
      await file.close();
      throw e;
    }
    const old = this.#file;
    this.#file = file;
    this.#size = text.length;
    await old.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }
}
