import { mkdir } from 'node:fs/promises';
import { Fault, type Mount, parseDigest } from '@stowage/core';
import type { Packed, PackerOptions, PackLayers, PackOptions } from '../packer.ts';
import { atATime, Turns } from '../turns.ts';
import { runLayerProcess } from './layer-process.ts';
import type { LayerOutcome } from './messages.ts';

type Sink = Parameters<PackLayers['pack']>[2];

/** Packs layers as `Packer` does, each in a child process: nothing is changed in this one, so it may be anybody's. */
export class ProcessPacker implements PackLayers {
  readonly #directory: string;
  readonly #turns: Turns;
  readonly #stopping = new AbortController();

  private constructor(directory: string, concurrency: number) {
    this.#directory = directory;
    this.#turns = new Turns(concurrency);
  }

  static async open({ directory, concurrency }: PackerOptions): Promise<ProcessPacker> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return new ProcessPacker(directory, atATime(concurrency));
  }

  async pack(
    left: readonly Mount[],
    right: readonly Mount[],
    sink: Sink,
    { sourceDateEpoch, comparesAll = false, signal }: PackOptions = {},
  ): Promise<Packed> {
    const stop = this.#stopping.signal;
    const either = signal === undefined ? stop : AbortSignal.any([signal, stop]);
    using _ = await this.#turns.take(either);
    const run = (comparing: boolean): Promise<LayerOutcome> =>
      runLayerProcess(
        {
          do: 'pack',
          directory: this.#directory,
          ...{ left, right, comparesAll: comparing },
          sourceDateEpoch: sourceDateEpoch?.toISOString(),
        },
        ({ stdin, stdout }) => {
          stdin.end();
          return sink(stdout, either);
        },
        either,
      );
    const first = await run(comparesAll);
    const outcome = first.status === 'not-plain' ? await run(true) : first;
    if (outcome.status !== 'done') throw new Fault('internal', `diff: ${outcome.status}`);
    return { digest: parseDigest(outcome.digest), sizeBytes: BigInt(outcome.sizeBytes) };
  }

  /** Gives up what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new Fault('unavailable', 'diff: shutting down'));
    await this.#turns.idle();
  }
}
