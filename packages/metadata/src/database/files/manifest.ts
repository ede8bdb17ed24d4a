import { ByteReader } from './byte-reader.ts';

/** A file of sorted values that the database is made of. */
export interface LiveTable {
  readonly number: number;
  readonly sizeBytes: number;
  /** Its first and last key, with the eight bytes that LevelDB adds. */
  readonly smallest: Buffer;
  readonly largest: Buffer;
}

export interface Version {
  readonly tables: ReadonlyMap<number, LiveTable>;
  /** Write-ahead logs of this number and later are read at open; this one must be there. */
  readonly logNumber: number;
  /** One more that is read, if it is not 0. */
  readonly previousLogNumber: number;
}

/**
 * What a database is made of, by the records of its MANIFEST.
 *
 * @throws RangeError for records that are none.
 * @see LevelDB db/version_edit.cc
 */
export function versionOf(edits: readonly Buffer[]): Version {
  const tables = new Map<number, LiveTable>();
  let logNumber = 0;
  let previousLogNumber = 0;
  for (const edit of edits) {
    const reader = new ByteReader(edit);
    const added: LiveTable[] = [];
    while (!reader.isAtEnd) {
      const tag = reader.varint();
      switch (tag) {
        case 1:
          reader.slice();
          break;
        case 2:
          logNumber = reader.varint();
          break;
        case 3:
        case 4:
          reader.varint();
          break;
        case 5:
          reader.varint();
          reader.slice();
          break;
        case 6:
          reader.varint();
          tables.delete(reader.varint());
          break;
        case 7: {
          reader.varint();
          const [number, sizeBytes] = [reader.varint(), reader.varint()];
          added.push({ number, sizeBytes, smallest: reader.slice(), largest: reader.slice() });
          break;
        }
        case 9:
          previousLogNumber = reader.varint();
          break;
        default:
          throw new RangeError(`it has a tag ${tag}`);
      }
    }
    // A table that only moves to another level is deleted and added in one record.
    for (const table of added) tables.set(table.number, table);
  }
  return { tables, logNumber, previousLogNumber };
}
