import type { CallOptions } from '@stowage/core';
import { close } from '@stowage/linux';
import { startLogger } from './logger-start.ts';
import {
  type LoggerHost,
  type LoggerRecord,
  LoggingBinary,
  OUTPUTS,
  type OutputName,
} from './logging-binary.ts';
import type { StreamTarget } from './stream-target.ts';

/** The logging binaries of one process: none, one for both streams, or one for each. */
export class Loggers {
  readonly #binaries: readonly LoggingBinary[];
  readonly #writers: Map<OutputName, number>;

  private constructor(binaries: readonly LoggingBinary[], writers: Map<OutputName, number>) {
    this.#binaries = binaries;
    this.#writers = writers;
  }

  /** Starts those that outputs name: one, where both name the same. If one can't be started, none goes on. */
  static async start(
    outputs: { readonly [K in OutputName]?: StreamTarget },
    host: LoggerHost,
    options: CallOptions = {},
  ): Promise<Loggers> {
    const binaries: LoggingBinary[] = [];
    const writers = new Map<OutputName, number>();
    const begun = new Set<string>();
    try {
      for (const name of OUTPUTS) {
        const target = outputs[name];
        if (target?.kind !== 'logger' || begun.has(target.uri)) continue;
        begun.add(target.uri);
        const streams = OUTPUTS.filter((other) => {
          const its = outputs[other];
          return its?.kind === 'logger' && its.uri === target.uri;
        });
        const started = await startLogger({ target, streams, host }, options);
        binaries.push(started.logger);
        for (const [stream, fd] of started.writers) writers.set(stream, fd);
      }
      return new Loggers(binaries, writers);
    } catch (e) {
      for (const fd of writers.values()) close(fd);
      for (const binary of binaries) binary.kill();
      throw e;
    }
  }

  static adopt(host: LoggerHost, records: readonly LoggerRecord[]): Loggers {
    const binaries = records.map((record) => LoggingBinary.adopt(host, record));
    return new Loggers(binaries, new Map());
  }

  get records(): readonly LoggerRecord[] {
    return this.#binaries.map(({ record }) => record);
  }

  /** The descriptor to write a stream to: blocking, open for both directions, the caller's from now on. */
  takeWriter(name: OutputName): number {
    const fd = this.#writers.get(name);
    if (fd === undefined) throw new Error(`no logging binary reads ${name}`);
    this.#writers.delete(name);
    return fd;
  }

  /** The process has ended. */
  exited(): void {
    for (const binary of this.#binaries) binary.exited();
  }

  /** Settles when all have ended, which takes some seconds at the most once nobody writes to them. */
  async finish(): Promise<void> {
    for (const fd of this.#writers.values()) close(fd);
    this.#writers.clear();
    await Promise.all(this.#binaries.map((binary) => binary.finish()));
  }
}
