import { mkdir } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Fault, type Mount, parseDigest } from '@stowage/core';
import { atATime, Turns } from '../turns.ts';
import type { Unpacked, UnpackerOptions, UnpackLayers, UnpackOptions } from '../unpacker.ts';
import { runLayerProcess } from './layer-process.ts';

/**
 * Unpacks archives as `Unpacker` does, each in a child process: nothing is changed in this one, so it may be anybody's.
 * A child costs some 100 ms.
 */
export class ProcessUnpacker implements UnpackLayers {
  readonly #jail: string;
  readonly #turns: Turns;
  readonly #stopping = new AbortController();

  private constructor(jail: string, concurrency: number) {
    this.#jail = jail;
    this.#turns = new Turns(concurrency);
  }

  static async open({ jail, concurrency }: Omit<UnpackerOptions, 'idleMs'>): Promise<ProcessUnpacker> {
    await mkdir(jail, { recursive: true, mode: 0o700 });
    return new ProcessUnpacker(jail, atATime(concurrency));
  }

  async unpack(
    mounts: readonly Mount[],
    bytes: (signal: AbortSignal) => AsyncIterable<Uint8Array>,
    { syncFs = false, signal }: UnpackOptions = {},
  ): Promise<Unpacked> {
    const stop = this.#stopping.signal;
    const either = signal === undefined ? stop : AbortSignal.any([signal, stop]);
    using _ = await this.#turns.take(either);
    const ended = new AbortController();
    const source = () => Readable.from(bytes(AbortSignal.any([either, ended.signal])));
    try {
      const outcome = await runLayerProcess(
        { do: 'unpack', jail: this.#jail, mounts, syncFs },
        ({ stdin }) => pipeline(source(), stdin),
        either,
      );
      if (outcome.status !== 'done') throw new Fault('internal', `unpack: ${outcome.status}`);
      const { digest, sizeBytes, needsBelow } = outcome;
      return { digest: parseDigest(digest), sizeBytes: BigInt(sizeBytes), needsBelow };
    } finally {
      ended.abort(new Fault('canceled', 'unpack: no more is needed'));
    }
  }

  /** Gives up what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new Fault('unavailable', 'unpack: shutting down'));
    await this.#turns.idle();
  }
}
