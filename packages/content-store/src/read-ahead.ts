import type { FileHandle } from 'node:fs/promises';

const WINDOW_BYTES = 256 * 1024;
/** A part of more than half a window gains nothing. */
const WORTH_BYTES = WINDOW_BYTES / 2;
/** Readers of one file, each at a place of its own, that are told apart. */
const READERS = 4;

interface Reader {
  /** Where it read to. */
  nextAt: number;
  /** What was read ahead of it. */
  window: { readonly at: number; readonly bytes: Uint8Array } | undefined;
}

/**
 * Reads parts of a file. Whoever reads one small part after the other gets most of them from memory: a trip to another
 * thread takes longer than to copy eight of them.
 */
export class ReadAhead {
  readonly #handle: FileHandle;
  readonly #sizeBytes: number;
  /** In order of use, the latest last. */
  readonly #readers: Reader[] = [];

  constructor(handle: FileHandle, sizeBytes: bigint) {
    this.#handle = handle;
    this.#sizeBytes = Number(sizeBytes);
  }

  /** Bytes that are the caller's own; fewer than asked for where the file ends. */
  async read(at: number, length: number): Promise<Uint8Array> {
    const known = this.#readers.findIndex(({ nextAt }) => nextAt === at);
    const [reader = { nextAt: 0, window: undefined }] = known < 0 ? [] : this.#readers.splice(known, 1);
    if (this.#readers.length >= READERS) this.#readers.shift();
    this.#readers.push(reader);
    reader.nextAt = at + length;
    const found = taken(reader, at, length);
    if (found !== undefined) return found;
    if (known >= 0 && length <= WORTH_BYTES && (await this.#fill(reader, at))) {
      const bytes = taken(reader, at, length);
      if (bytes !== undefined) return bytes;
    }
    const buffer = Buffer.allocUnsafeSlow(length);
    const { bytesRead } = await this.#handle.read(buffer, 0, length, at);
    return bytesRead === length ? buffer : buffer.subarray(0, bytesRead);
  }

  /** Whether it could: what is wrong further on does not concern whoever reads here. */
  async #fill(reader: Reader, at: number): Promise<boolean> {
    const bytes = Buffer.allocUnsafeSlow(Math.max(0, Math.min(WINDOW_BYTES, this.#sizeBytes - at)));
    try {
      const { bytesRead } = await this.#handle.read(bytes, 0, bytes.byteLength, at);
      reader.window = { at, bytes: bytes.subarray(0, bytesRead) };
      return true;
    } catch {
      return false;
    }
  }
}

/** A window of which all was taken is let go. */
function taken(reader: Reader, at: number, length: number): Uint8Array | undefined {
  const { window } = reader;
  if (window === undefined) return undefined;
  const from = at - window.at;
  const end = window.bytes.byteLength;
  if (from < 0 || from + length > end) {
    reader.window = undefined;
    return undefined;
  }
  if (from + length === end) reader.window = undefined;
  return Uint8Array.prototype.slice.call(window.bytes, from, from + length);
}
