/** CRC-32C, eight bytes at a time: `node:zlib` has only the other polynomial. */
const TABLES: readonly Int32Array[] = makeTables();

/** @returns the checksum as LevelDB stores it: rotated, plus a constant (util/crc32c.h, Mask). */
export function maskedCrc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const crc = crc32c(bytes, start, end);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES as [
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  const b = bytes as { readonly [i: number]: number };
  let crc = -1;
  let i = start;
  for (; i + 8 <= end; i += 8) {
    crc ^= at(b, i) | (at(b, i + 1) << 8) | (at(b, i + 2) << 16) | (at(b, i + 3) << 24);
    crc =
      at(t7, crc & 255) ^
      at(t6, (crc >>> 8) & 255) ^
      at(t5, (crc >>> 16) & 255) ^
      at(t4, crc >>> 24) ^
      at(t3, at(b, i + 4)) ^
      at(t2, at(b, i + 5)) ^
      at(t1, at(b, i + 6)) ^
      at(t0, at(b, i + 7));
  }
  for (; i < end; i += 1) crc = at(t0, (crc ^ at(b, i)) & 255) ^ (crc >>> 8);
  return ~crc >>> 0;
}

function at(from: { readonly [i: number]: number }, i: number): number {
  return from[i] as number;
}

function makeTables(): Int32Array[] {
  const first = new Int32Array(256);
  for (let n = 0; n < 256; n += 1) {
    let crc = n;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    first[n] = crc;
  }
  const tables = [first];
  for (let k = 1; k < 8; k += 1)
    tables.push(Int32Array.from(tables[k - 1] ?? first, (crc) => at(first, crc & 255) ^ (crc >>> 8)));
  return tables;
}
