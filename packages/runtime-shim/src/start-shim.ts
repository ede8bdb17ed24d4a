import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Fault, type Logger, reasonOf, type TypedBytes } from '@stowage/core';
import { type BinaryOutput, printed, runBinary } from './run-binary.ts';
import { endSession } from './session.ts';
import {
  type Addresses,
  type ShimIdentity,
  type StartInput,
  shimArguments,
  shimEnvironment,
  startInput,
} from './shim-command.ts';
import { type Bootstrap, parseStartAnswer } from './start-answer.ts';

/** containerd gives these the options alone, whatever their version. */
const OPTIONS_ONLY = /shim-(?:runc|runhcs)-v1$/;

export interface ShimStarterOptions {
  readonly at: Addresses;
  readonly timeoutMs: number;
  readonly log: Logger;
}

export interface StartRequest extends ShimIdentity {
  readonly options: TypedBytes | undefined;
}

/**
 * Starts shims. The two inputs that shims know can't be told apart by those who read them, so a binary that fails with
 * the newer one is asked again with the older, and which one it took is remembered for as long as the file is the same.
 */
export class ShimStarter {
  readonly #at: Addresses;
  readonly #timeoutMs: number;
  readonly #log: Logger;
  readonly #took = new Map<string, { readonly file: string; readonly input: StartInput }>();

  constructor({ at, timeoutMs, log }: ShimStarterOptions) {
    this.#at = at;
    this.#timeoutMs = timeoutMs;
    this.#log = log;
  }

  /**
   * @throws Fault, with what the shim printed, if it can't be started or its answer is of no use. What was started is
   *   ended then.
   */
  async start(request: StartRequest): Promise<Bootstrap> {
    const { binary } = request;
    const { dev, ino, mtimeMs } = await stat(binary);
    const file = `${dev}:${ino}:${mtimeMs}`;
    const known = this.#took.get(binary);
    let inputs: readonly StartInput[] = ['parameters', 'options'];
    if (OPTIONS_ONLY.test(basename(binary))) inputs = ['options'];
    else if (known?.file === file) inputs = [known.input];
    const failures: Fault[] = [];
    for (const input of inputs) {
      try {
        const bootstrap = await this.#ask(request, input);
        this.#took.set(binary, { file, input });
        return bootstrap;
      } catch (e) {
        if (!Fault.is(e, 'unknown')) throw e;
        failures.push(e);
      }
    }
    // A shim that knows its input fails for a reason of its own; it is the same twice, or the later one is nearer.
    const [first, last] = [failures[0], failures.at(-1)];
    if (first === undefined || last === undefined || first.message === last.message) throw last;
    throw new Fault('unknown', `${last.message}; with bootstrap parameters: ${first.message}`, {
      cause: last,
    });
  }

  async #ask(request: StartRequest, input: StartInput): Promise<Bootstrap> {
    const { binary, bundle, namespace, id, options } = request;
    const output = await runBinary({
      binary,
      args: shimArguments(request, 'start', this.#at),
      cwd: bundle,
      env: shimEnvironment(request, this.#at),
      input: startInput(input, request, options, this.#at),
      timeoutMs: this.#timeoutMs,
    });
    if (output.ended !== 0) throw await failure(binary, `it ended with ${output.ended}`, output);
    let bootstrap: Bootstrap;
    try {
      bootstrap = parseStartAnswer(output.stdout);
    } catch (e) {
      throw await failure(binary, reasonOf(e), output, Fault.is(e) ? e : undefined);
    }
    const noise = output.stderr.toString('utf8').trim();
    if (noise !== '') this.#log.warn({ namespace, id, binary, noise }, 'a shim printed more than its answer');
    return bootstrap;
  }
}

/** A shim that nobody can reach is of no use to anybody. */
async function failure(binary: string, reason: string, output: BinaryOutput, cause?: Fault): Promise<Fault> {
  await endSession(output.session);
  const said = printed(output) || 'nothing';
  return new Fault(cause?.kind ?? 'unknown', `start ${binary}: ${reason}; it printed ${said}`, { cause });
}
