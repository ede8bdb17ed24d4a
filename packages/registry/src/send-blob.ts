import { setTimeout as sleep } from 'node:timers/promises';
import { type Descriptor, Fault } from '@stowage/core';
import { exactly } from './exactly.ts';
import { hasBlob } from './exists.ts';
import type { HttpResponse } from './http.ts';
import type { BlobBytes, PushBlobOptions, PushParts } from './push-blob.ts';
import { statusFault } from './status-fault.ts';
import {
  beginUpload,
  expectDigest,
  finishUpload,
  receivedOf,
  sendPart,
  statusOf,
  type Upload,
  type UploadTarget,
  uploadOf,
} from './upload.ts';

export interface Sending extends PushParts {
  readonly target: UploadTarget;
  /** Where the blob is once it is there. */
  readonly blob: URL;
  readonly uploads: URL;
  readonly descriptor: Descriptor;
  readonly bytes: BlobBytes;
  readonly options: PushBlobOptions;
}

/** More than this is not sent at a time because a registry asks for it. */
const MAX_CHUNK_BYTES = 1024n * 1024n * 1024n;
/** What is sent at a time once a blob that was sent whole broke off. */
const RESUMED_CHUNK_BYTES = 16 * 1024 * 1024;

/**
 * Sends a blob, and what broke off from where the registry says it is. A registry that has forgotten the upload is sent
 * all again.
 *
 * @throws Fault as the last try failed, once so many in a row brought nothing forward.
 */
export async function sendAll(sending: Sending, begun: Upload): Promise<void> {
  const { target, options, retries, retryDelayMs } = sending;
  const { signal } = options;
  let upload = begun;
  let isLost = false;
  // docker-registry forgets an upload whose first request was cut, but keeps the parts that came whole.
  let inParts = options.chunkBytes !== undefined;
  let furthest = 0n;
  const progress = { sent: 0n };
  for (let fruitless = 0; ; ) {
    try {
      if (isLost) {
        const known = await found(sending, upload, progress.sent);
        if (known === 'done') return;
        upload = known;
      }
      isLost = false;
      if (upload.offset > furthest) [furthest, fruitless] = [upload.offset, 0];
      progress.sent = upload.offset;
      const next = await sendOnce(sending, upload, inParts, progress);
      if (next === 'done') return;
      if (next.offset <= furthest && ++fruitless > retries) throw stuck(target.subject, next.offset);
      upload = next;
    } catch (e) {
      if (signal?.aborted || ++fruitless > retries || !isWorthAgain(e)) throw e;
      isLost = true;
      inParts = true;
      await pause(retryDelayMs * 2 ** fruitless * (0.5 + Math.random()), signal);
    }
  }
}

/** The upload as the registry knows it; a new one if it does not, unless what was lost is only the answer. */
async function found(
  { target, blob, uploads, descriptor, options }: Sending,
  upload: Upload,
  sent: bigint,
): Promise<Upload | 'done'> {
  const { signal } = options;
  const known = await statusOf(target, upload, sent, { signal });
  if (known !== undefined) return known;
  if (sent === descriptor.size && (await hasBlob(target, blob, descriptor, { signal }))) return 'done';
  await using response = await beginUpload(target, uploads, { signal });
  if (response.status !== 202) throw await statusFault(target.subject, response);
  return uploadOf(target, response, 0n);
}

async function sendOnce(
  sending: Sending,
  upload: Upload,
  inParts: boolean,
  progress: { sent: bigint },
): Promise<Upload | 'done'> {
  const { target, descriptor, bytes, options } = sending;
  const { digest, size } = descriptor;
  const { signal, onProgress } = options;
  const rest = size - upload.offset;
  const chunk = inParts ? chunkOf(upload, options.chunkBytes ?? RESUMED_CHUNK_BYTES, rest) : rest;
  const open = (length: bigint) => () =>
    exactly(target.subject, bytes(upload.offset, { signal }), length, (sent) => {
      progress.sent = upload.offset + sent;
      onProgress?.(progress.sent);
    });
  if (rest === 0n || !inParts) {
    await using response = await finishUpload(target, upload, digest, rest, open(rest), { signal });
    if (response.status !== 201) throw await refusal(target.subject, response);
    expectDigest(target.subject, response, digest);
    return 'done';
  }
  await using response = await sendPart(target, upload, chunk, open(chunk), { signal });
  if (response.status !== 202) throw await refusal(target.subject, response);
  const sent = upload.offset + chunk;
  const offset = response.headers.range === undefined ? sent : receivedOf(target.subject, response, sent);
  return uploadOf(target, response, offset);
}

function chunkOf({ minChunkBytes }: Upload, chunkBytes: number, rest: bigint): bigint {
  const least = minChunkBytes < MAX_CHUNK_BYTES ? minChunkBytes : MAX_CHUNK_BYTES;
  const wanted = BigInt(chunkBytes) > least ? BigInt(chunkBytes) : least;
  return wanted < rest ? wanted : rest;
}

/** 400 is what a registry says whose hash of the bytes is another one. 416 wants to be asked where it is. */
async function refusal(subject: string, response: HttpResponse): Promise<Fault> {
  const { status } = response;
  const fault = await statusFault(subject, response);
  const isWrong = status === 400 || status === 404;
  const kind = status === 416 ? 'unavailable' : isWrong ? 'failed_precondition' : fault.kind;
  return new Fault(kind, fault.message, { cause: fault });
}

function isWorthAgain(e: unknown): boolean {
  return Fault.is(e, 'unavailable') || Fault.is(e, 'resource_exhausted');
}

function stuck(subject: string, at: bigint): Fault {
  return new Fault('unavailable', `${subject}: the registry does not get further than ${at} bytes`);
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(Math.min(ms, 30_000), undefined, { signal });
  } catch (e) {
    signal?.throwIfAborted();
    throw e;
  }
}
