import { crc32 } from 'node:zlib';

/** One value of the database, checked. */
export interface Entry {
  readonly text: string;
  /** CRC-32 of key and text. */
  readonly checksum: number;
}

export function entryOf(key: string, text: string): Entry {
  // The key counts too, so that two values that changed places are found out.
  return { text, checksum: crc32(text, crc32(`${key}\0`)) };
}

/** As stored: eight hex digits of checksum, then the text. */
export function encodeEntry({ text, checksum }: Entry): string {
  return checksum.toString(16).padStart(8, '0') + text;
}

/** Undefined if the bytes are not those that were written under this key: LevelDB itself does not look. */
export function decodeEntry(key: string, stored: string): Entry | undefined {
  const entry = entryOf(key, stored.slice(8));
  return encodeEntry(entry) === stored ? entry : undefined;
}
