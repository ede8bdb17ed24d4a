import { DataSchema, WindowUpdateSchema } from '@stowage/api/types/transfer';
import type { TypedBytes } from '@stowage/core';
import { packMessage, unpackMessage } from '@stowage/rpc';

/** Longest piece that is sent (containerd core/transfer/streaming/stream.go). */
export const MAX_DATA_BYTES = 32 * 1024;

/** What a receiver grants ahead. */
export const WINDOW_BYTES = 2 * MAX_DATA_BYTES;

export function packData(data: Uint8Array): TypedBytes {
  return packMessage(DataSchema, { data: data as Uint8Array<ArrayBuffer> });
}

/** @throws Fault `invalid_argument` for another message. */
export function dataOf(message: TypedBytes): Uint8Array {
  return unpackMessage(DataSchema, message).data;
}

export function packGrant(bytes: number): TypedBytes {
  return packMessage(WindowUpdateSchema, { update: bytes });
}

/** @throws Fault `invalid_argument` for another message. */
export function grantOf(message: TypedBytes): number {
  return unpackMessage(WindowUpdateSchema, message).update;
}
