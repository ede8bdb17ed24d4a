import { type CallOptions, type Descriptor, type Digest, Fault } from '@stowage/core';
import { checkRegistry } from './check.ts';
import type { Referrer } from './descriptor-fields.ts';
import { type FetchOptions, fetchBlob } from './fetch.ts';
import { openParts, type Parts } from './open-parts.ts';
import type { RegistryOptions } from './options.ts';
import { type BlobBytes, type PushBlobOptions, type Pushed, pushBlob } from './push-blob.ts';
import { type Manifest, type PushedManifest, pushManifest } from './push-manifest.ts';
import { parseHost, parseReference } from './reference.ts';
import { listReferrers, type ReferrersOptions } from './referrers.ts';
import type { Registry, Resolved } from './registry.ts';
import { removeBlob, removeManifest } from './remove.ts';
import { resolveReference } from './resolve.ts';
import { listTags, type TagsOptions } from './tags.ts';
import { limited } from './time-limit.ts';

/** Connects to nobody until asked. Dispose it to close its connections. */
export function openRegistry(options: RegistryOptions = {}): Registry {
  return new RegistryClient(options);
}

class RegistryClient implements Registry {
  readonly #parts: Parts;
  readonly #closed = new AbortController();

  constructor(options: RegistryOptions) {
    this.#parts = openParts(options, this.#closed.signal);
  }

  async resolve(name: string, options: CallOptions = {}): Promise<Resolved> {
    const reference = parseReference(name);
    const resolving = (signal: AbortSignal) => resolveReference(this.#parts.api, reference, { signal });
    return { name, descriptor: await this.#limited(`resolve ${name}`, options, resolving) };
  }

  async *fetch(name: string, descriptor: Descriptor, options: FetchOptions = {}): AsyncGenerator<Uint8Array> {
    const { api, idleTimeoutMs } = this.#parts;
    const signal = this.#until(options.signal);
    yield* fetchBlob(api, parseReference(name), descriptor, { ...options, signal }, idleTimeoutMs);
  }

  async pushBlob(
    name: string,
    descriptor: Descriptor,
    bytes: BlobBytes,
    options: PushBlobOptions = {},
  ): Promise<Pushed> {
    const { api, retry, idleTimeoutMs } = this.#parts;
    const { retries, delayMs: retryDelayMs } = retry;
    const parts = { api, retries, retryDelayMs, answerTimeoutMs: 10 * idleTimeoutMs };
    const signal = this.#until(options.signal);
    return pushBlob(parts, parseReference(name), descriptor, bytes, { ...options, signal });
  }

  async pushManifest(name: string, manifest: Manifest, options: CallOptions = {}): Promise<PushedManifest> {
    const reference = parseReference(name);
    return this.#limited(`push ${name}`, options, (signal) =>
      pushManifest(this.#parts.api, reference, manifest, { signal }),
    );
  }

  async *tags(name: string, options: TagsOptions = {}): AsyncGenerator<string> {
    const { api, requestTimeoutMs } = this.#parts;
    const signal = this.#until(options.signal);
    yield* listTags(api, parseReference(name), { ...options, signal }, requestTimeoutMs);
  }

  async *referrers(name: string, digest: Digest, options: ReferrersOptions = {}): AsyncGenerator<Referrer> {
    const { api, requestTimeoutMs } = this.#parts;
    const signal = this.#until(options.signal);
    yield* listReferrers(api, parseReference(name), digest, { ...options, signal }, requestTimeoutMs);
  }

  async delete(name: string, options: CallOptions = {}): Promise<void> {
    const reference = parseReference(name);
    const removing = (signal: AbortSignal) => removeManifest(this.#parts.api, reference, { signal });
    await this.#limited(`delete ${name}`, options, removing);
  }

  async deleteBlob(name: string, digest: Digest, options: CallOptions = {}): Promise<void> {
    const reference = parseReference(name);
    const removing = (signal: AbortSignal) => removeBlob(this.#parts.api, reference, digest, { signal });
    await this.#limited(`delete blob ${digest} of ${name}`, options, removing);
  }

  async check(host: string, options: CallOptions = {}): Promise<void> {
    const asked = parseHost(host);
    const checking = (signal: AbortSignal) =>
      checkRegistry(this.#parts.api, `check ${host}`, asked, { signal });
    await this.#limited(`check ${host}`, options, checking);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new Fault('canceled', 'registry: it was closed'));
    await this.#parts.http[Symbol.asyncDispose]();
  }

  #limited<T>(
    subject: string,
    { signal }: CallOptions,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return limited(subject, this.#parts.requestTimeoutMs, { signal: this.#until(signal) }, work);
  }

  #until(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#closed.signal : AbortSignal.any([signal, this.#closed.signal]);
  }
}
