import { connect, type Socket } from 'node:net';
import type { Transport } from '@connectrpc/connect';
import { abortable, Fault } from '@stowage/core';
import type { ClosableTransport } from '@stowage/rpc/transport';
import { dialFault } from '@stowage/rpc/unix-socket';
import { ttrpcTransport } from '@stowage/ttrpc';

/** The line to one shim process: calls go over it, and a second socket that carries nothing tells when it ends. */
export class ShimConnection implements AsyncDisposable {
  /** Resolves when the shim closed the line, as it does by ending; never once this is disposed. */
  readonly gone: Promise<void>;
  readonly #watch: Socket;
  readonly #transport: ClosableTransport;
  readonly #kept: Disposable[] = [];
  readonly #whenGone = new Set<() => void>();
  #isGone = false;

  private constructor(path: string, watch: Socket) {
    this.#watch = watch;
    this.#transport = ttrpcTransport({ path });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.gone = promise;
    watch.on('error', () => {});
    watch.on('close', () => {
      this.#isGone = true;
      resolve();
      for (const callback of this.#whenGone) this.#callBack(callback);
    });
    // A line that nobody reads from tells nothing of its end.
    watch.resume();
  }

  /** @throws Fault `unavailable` if nobody answers. */
  static async open(path: string, signal?: AbortSignal): Promise<ShimConnection> {
    const watch = connect({ path });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    watch.once('connect', resolve);
    watch.once('error', reject);
    try {
      await abortable(promise, signal);
    } catch (e) {
      watch.destroy();
      throw dialFault(path, e);
    }
    return new ShimConnection(path, watch);
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** Calls fail at once where the shim has ended: no other process that takes its address is asked in its place. */
  get transport(): Transport {
    const { unary, stream } = this.#transport;
    return {
      stream,
      unary: async (...args) => {
        if (this.#isGone) throw new Fault('unavailable', 'the shim has ended');
        return unary(...args);
      },
    };
  }

  /**
   * Calls back once, soon after the shim has ended; disposing takes that back. For those that the connection may outlive,
   * of which {@link gone} would remember each.
   */
  onGone(callback: () => void): Disposable {
    const own = () => callback();
    this.#whenGone.add(own);
    if (this.#isGone) this.#callBack(own);
    return { [Symbol.dispose]: () => void this.#whenGone.delete(own) };
  }

  #callBack(callback: () => void): void {
    queueMicrotask(() => {
      if (this.#whenGone.delete(callback)) callback();
    });
  }

  /** Whether something is kept that ends with the connection. */
  get isKeeping(): boolean {
    return this.#kept.length > 0;
  }

  /** Ends with the connection. */
  keep(resource: Disposable): void {
    this.#kept.push(resource);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const resource of this.#kept.splice(0)) resource[Symbol.dispose]();
    this.#watch.removeAllListeners('close');
    this.#watch.destroy();
    await this.#transport[Symbol.asyncDispose]();
  }
}
