import { crc32 } from 'node:zlib';
import { Fault, quote } from '@stowage/core';

const HEADER_BYTES = 8;

/** A value as it is kept: the bytes of a message and, for what a backend holds, the backend's name for it. */
export interface Sealed {
  readonly payload: Uint8Array;
  /** Empty where there is none. */
  readonly backend: string;
}

/**
 * Puts a checksum before a value. It covers the key too, so a value that turns up under another key is noticed.
 * LevelDB verifies no checksum on reading: one flipped bit on disk would be answered as data.
 */
export function seal(key: string, payload: Uint8Array, backend = ''): Buffer {
  const name = Buffer.from(backend);
  const sealed = Buffer.allocUnsafe(HEADER_BYTES + name.length + payload.length);
  sealed.writeUInt32LE(name.length, 4);
  name.copy(sealed, HEADER_BYTES);
  sealed.set(payload, HEADER_BYTES + name.length);
  sealed.writeUInt32LE(checksum(key, sealed), 0);
  return sealed;
}

/** @throws Fault `data_loss` naming the key. */
export function unseal(key: string, bytes: Uint8Array): Sealed {
  const sealed = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!isIntact(key, sealed)) {
    throw new Fault('data_loss', `metadata ${quote(key)}: its checksum is wrong; the disk changed it`);
  }
  const payloadAt = HEADER_BYTES + sealed.readUInt32LE(4);
  return {
    payload: sealed.subarray(payloadAt),
    backend: sealed.toString('utf8', HEADER_BYTES, payloadAt),
  };
}

/** Whether a value is what was sealed under this key. */
export function isIntact(key: string, bytes: Uint8Array): boolean {
  const sealed = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (sealed.length < HEADER_BYTES || sealed.readUInt32LE(0) !== checksum(key, sealed)) return false;
  return sealed.readUInt32LE(4) <= sealed.length - HEADER_BYTES;
}

function checksum(key: string, sealed: Buffer): number {
  return crc32(sealed.subarray(4), crc32(key));
}
