import type { ContentStore } from '@stowage/content';
import { writeBlob } from '@stowage/content';
import { remoteContent } from '@stowage/content/remote';
import { digestOf, Fault, MEDIA_TYPE, type Mount } from '@stowage/core';
import { unixTransport } from '@stowage/rpc/transport';
import { startContainerd } from '@stowage/testing';
import type { Differ } from '../../src/differ.ts';
import { remoteDiffer } from '../../src/remote.ts';

/** containerd itself, to unpack the same archives. */
export class Peer implements AsyncDisposable {
  readonly #daemon: AsyncDisposable;
  readonly #transport: ReturnType<typeof unixTransport>;
  readonly #content: ContentStore;
  readonly #differ: Differ;

  private constructor(daemon: AsyncDisposable, transport: ReturnType<typeof unixTransport>) {
    const scope = { namespace: 'hostile' };
    this.#daemon = daemon;
    this.#transport = transport;
    this.#content = remoteContent(transport, scope);
    this.#differ = remoteDiffer(transport, scope);
  }

  static async start(directory: string): Promise<Peer> {
    const daemon = await startContainerd(directory);
    return new Peer(daemon, unixTransport(daemon.address));
  }

  /** @returns why it refused, or undefined if it took it. */
  async apply(mounts: readonly Mount[], bytes: Uint8Array): Promise<string | undefined> {
    const layer = { mediaType: MEDIA_TYPE.ociLayer, digest: digestOf(bytes), size: BigInt(bytes.length) };
    // Else its collector takes the blob before it is unpacked.
    const labels = { 'containerd.io/gc.root': new Date().toISOString() };
    await writeBlob(this.#content, layer.digest, bytes, layer, { labels });
    try {
      await this.#differ.apply(layer, mounts);
      return undefined;
    } catch (e) {
      if (!Fault.is(e) || e.kind === 'unavailable') throw e;
      return e.message;
    } finally {
      await this.#content.delete(layer.digest);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport[Symbol.asyncDispose]();
    await this.#daemon[Symbol.asyncDispose]();
  }
}
