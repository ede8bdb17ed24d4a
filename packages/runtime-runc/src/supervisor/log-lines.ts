import type { OutputName } from './logging-binary.ts';

/** Longest piece of a line in one record; a longer line goes on in the next. */
export const MAX_RECORD_BYTES = 16 * 1024;

const LINE_FEED = 0x0a;

/**
 * Turns the bytes of one stream into log records, the lines of CRI's log files:
 * `2016-10-06T00:17:09.669000000Z stdout F text`. `F` ends a line; `P` is a part of one that goes on in the stream's next
 * record. What a reader puts together of them is byte for byte what was written.
 *
 * @see kubernetes pkg/kubelet/kuberuntime/logs/logs.go parseCRILog; containerd internal/cri/io/logger.go
 */
export class LogLines {
  readonly #name: OutputName;
  /** Of the line that has not ended: always less than a whole record. */
  #rest: Buffer = Buffer.alloc(0);

  constructor(name: OutputName) {
    this.#name = name;
  }

  /** Whether there is a part of a line that no record has yet. */
  get hasRest(): boolean {
    return this.#rest.length > 0;
  }

  /** The records that are whole now, each a line. Those of one call have the same time. */
  push(chunk: Uint8Array, at: Date): Buffer {
    const bytes = this.hasRest ? Buffer.concat([this.#rest, chunk]) : Buffer.from(chunk);
    const records: Buffer[] = [];
    const [full, part] = [this.#head('F', at), this.#head('P', at)];
    let start = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
      for (; end - start > MAX_RECORD_BYTES; start += MAX_RECORD_BYTES)
        records.push(part, bytes.subarray(start, start + MAX_RECORD_BYTES), NEW_LINE);
      // With its line feed.
      records.push(full, bytes.subarray(start, end + 1));
      start = end + 1;
    }
    for (; bytes.length - start >= MAX_RECORD_BYTES; start += MAX_RECORD_BYTES)
      records.push(part, bytes.subarray(start, start + MAX_RECORD_BYTES), NEW_LINE);
    this.#rest = Buffer.from(bytes.subarray(start));
    return Buffer.concat(records);
  }

  /** What there is of a line that has not ended, as a record. Empty if there is nothing. */
  flush(at: Date): Buffer {
    if (!this.hasRest) return this.#rest;
    const record = Buffer.concat([this.#head('P', at), this.#rest, NEW_LINE]);
    this.#rest = Buffer.alloc(0);
    return record;
  }

  #head(tag: 'F' | 'P', at: Date): Buffer {
    return Buffer.from(`${at.toISOString().replace('Z', '000000Z')} ${this.#name} ${tag} `);
  }
}

const NEW_LINE = Buffer.from('\n');
