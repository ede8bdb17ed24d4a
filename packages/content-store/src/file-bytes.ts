import type { FileHandle } from 'node:fs/promises';
import { type DigestAlgorithm, Digester } from '@stowage/core';

/** Small enough that hashing one leaves the event loop free, large enough that a trip to another thread is worth it. */
const STEP_BYTES = 1024 * 1024;

/** Writes all of the bytes at a position: write(2) may take fewer than it is given. */
export async function writeFully(handle: FileHandle, bytes: Uint8Array, position: bigint): Promise<void> {
  for (let at = 0; at < bytes.byteLength; ) {
    const { bytesWritten } = await handle.write(bytes, at, bytes.byteLength - at, Number(position) + at);
    at += bytesWritten;
  }
}

/** Appends to a file and to the hash of it, in steps, so that neither a long hash nor a long write blocks others. */
export async function appendHashed(
  handle: FileHandle,
  digester: Digester,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<void> {
  for (let at = 0; at < bytes.byteLength; at += STEP_BYTES) {
    signal?.throwIfAborted();
    const step = bytes.subarray(at, at + STEP_BYTES);
    const written = writeFully(handle, step, digester.sizeBytes);
    // Hashed here while another thread writes.
    digester.update(step);
    await written;
  }
}

/** Hashes what a file holds, up to `length` bytes of it. */
export async function hashFile(
  handle: FileHandle,
  algorithm: DigestAlgorithm,
  { length, signal }: { length?: bigint | undefined; signal?: AbortSignal | undefined } = {},
): Promise<Digester> {
  const digester = new Digester(algorithm);
  for await (const step of readFileSteps(handle, { length, signal })) digester.update(step);
  return digester;
}

/**
 * The bytes of a file from its start on, all in one buffer: a step is gone when the next one is asked for. So a file of
 * any length makes no garbage.
 */
export async function* readFileSteps(
  handle: FileHandle,
  { length, signal }: { readonly length?: bigint | undefined; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(STEP_BYTES);
  let left = length === undefined ? Number.POSITIVE_INFINITY : Number(length);
  for (let position = 0; left > 0; ) {
    signal?.throwIfAborted();
    const { bytesRead } = await handle.read(buffer, 0, Math.min(STEP_BYTES, left), position);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
    left -= bytesRead;
  }
}

/** The bytes of a file from its start on, each chunk in a buffer of its own. */
export async function* readFileBytes(
  handle: FileHandle,
  options: {
    readonly length?: bigint | undefined;
    readonly chunkBytes: number;
    readonly signal?: AbortSignal | undefined;
  },
): AsyncGenerator<Uint8Array> {
  const { length, chunkBytes, signal } = options;
  let position = 0;
  let left = length === undefined ? Number.POSITIVE_INFINITY : Number(length);
  while (left > 0) {
    signal?.throwIfAborted();
    const buffer = Buffer.allocUnsafeSlow(Math.min(chunkBytes, left));
    const { bytesRead } = await handle.read(buffer, 0, buffer.byteLength, position);
    if (bytesRead === 0) return;
    yield bytesRead === buffer.byteLength ? buffer : buffer.subarray(0, bytesRead);
    position += bytesRead;
    left -= bytesRead;
  }
}
