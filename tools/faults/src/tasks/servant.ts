import { PassThrough } from 'node:stream';
import type { ContainerHandle, TaskHandle } from '@stowage/client';
import { Fault } from '@stowage/core';
import { type SpecOption, withArgs } from '@stowage/oci-spec';
import { until } from '@stowage/testing';
import { isThere } from './processes.ts';
import type { Yard } from './yard.ts';

/** Does as it is told, by built-ins of the shell alone: nothing it does takes another process. */
const SCRIPT = `echo ready
while read -r verb what; do
  case $verb in
    say) echo "said $what" ;;
    exit) exit "$what" ;;
  esac
done
exit 99`;

/** A container that does what it is told through its standard input, whether a daemon is there or not. */
export class Servant {
  readonly id: string;
  readonly pid: number;
  readonly container: ContainerHandle;
  readonly #task: TaskHandle;
  readonly #orders: PassThrough;
  readonly #output: string[];

  private constructor(parts: {
    container: ContainerHandle;
    task: TaskHandle;
    orders: PassThrough;
    output: string[];
    pid: number;
  }) {
    this.id = parts.container.id;
    this.container = parts.container;
    this.pid = parts.pid;
    this.#task = parts.task;
    this.#orders = parts.orders;
    this.#output = parts.output;
  }

  static async run(yard: Yard, id: string, ...spec: readonly SpecOption[]): Promise<Servant> {
    const container = await yard.container(id, withArgs('/bin/sh', '-c', SCRIPT), ...spec);
    const orders = new PassThrough();
    const task = await container.createTask({ io: { stdin: orders, stdout: true } });
    const output: string[] = [];
    task.stdout?.on('data', (chunk: Buffer) => output.push(chunk.toString()));
    try {
      const pid = await task.start();
      const servant = new Servant({ container, task, orders, output, pid });
      await servant.#printed('ready');
      return servant;
    } catch (e) {
      task.release();
      await task[Symbol.asyncDispose]();
      throw e;
    }
  }

  /** Settles when it answered. */
  async say(word: string): Promise<void> {
    this.#orders.write(`say ${word}\n`);
    await this.#printed(`said ${word}`);
  }

  exit(code: number): void {
    this.#orders.write(`exit ${code}\n`);
  }

  /** @throws Fault `failed_precondition` if it ends before it does. */
  async #printed(line: string): Promise<void> {
    await until(
      `${this.id} to print "${line}"`,
      async () => {
        const isOver = !(await isThere(this.pid));
        if (this.#output.join('').includes(`${line}\n`)) return true;
        if (isOver) throw new Fault('failed_precondition', `${this.id} ended before it printed "${line}"`);
        return false;
      },
      20_000,
    );
  }

  /** Lets go of its streams. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#task.release();
    await this.#task[Symbol.asyncDispose]();
  }
}
