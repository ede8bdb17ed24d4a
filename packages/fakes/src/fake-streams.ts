import { constants, createWriteStream, open } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { PassThrough, type Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Fault, quote, unlessAbsent } from '@stowage/core';
import type { Stdio } from '@stowage/runtime';

const openFile = promisify(open);
const { O_NONBLOCK, O_RDONLY, O_RDWR } = constants;

/** What a process has of its streams: FIFOs that its client made, or files. */
export class FakeStreams {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly #input = new PassThrough();
  readonly #source: Socket | undefined;
  readonly #sinks: readonly Writable[];
  /** Without it the input would end with its first writer. */
  readonly #holder: Socket | undefined;

  private constructor(
    { source, holder }: FakeInput,
    out: Writable | undefined,
    err: Writable | undefined,
    terminal: boolean,
  ) {
    this.#source = source;
    this.#holder = holder;
    this.#sinks = [out, err].filter((sink) => sink !== undefined);
    // Nobody is left to read it, or to write it: that is the client's affair.
    for (const stream of [...this.#sinks, source, holder]) stream?.on('error', () => undefined);
    this.stdin = this.#input;
    this.stdout = terminal ? cooked(out) : (out ?? nowhere());
    this.stderr = terminal ? this.stdout : (err ?? nowhere());
    if (source === undefined) this.#input.end();
  }

  /** @throws Fault `not_found` for a FIFO that is not there; `invalid_argument` for what is none. */
  static async open({ stdin, stdout, stderr, terminal }: Stdio): Promise<FakeStreams> {
    const input = await openInput(stdin);
    let out: Writable | undefined;
    try {
      out = await openOutput(stdout);
      const err = terminal ? undefined : await openOutput(stderr);
      return new FakeStreams(input, out, err, terminal);
    } catch (e) {
      for (const stream of [input.source, input.holder, out]) stream?.destroy();
      throw e;
    }
  }

  /** Begins to read the input; of a terminal it is shown, too. */
  start(terminal: boolean): void {
    if (terminal) this.#source?.on('data', (chunk: Buffer) => void this.stdout.write(chunk));
    this.#source?.pipe(this.#input);
  }

  /** What was written comes still. */
  closeInput(): void {
    this.#holder?.destroy();
  }

  /** Settles when what was printed is in others' hands. */
  async flushed(): Promise<void> {
    for (const stream of [this.stdout, this.stderr])
      await new Promise<void>((resolve) => stream.write('', () => resolve()));
  }

  close(): void {
    for (const stream of [this.#holder, this.#source, this.#input, ...this.#sinks]) stream?.destroy();
  }
}

interface FakeInput {
  readonly source: Socket | undefined;
  readonly holder: Socket | undefined;
}

async function openInput(uri: string): Promise<FakeInput> {
  if (uri === '' || uri === '/dev/null') return { source: undefined, holder: undefined };
  const path = await fifoAt(uri);
  const [from, to] = [await openFile(path, O_RDONLY | O_NONBLOCK), await openFile(path, O_RDWR | O_NONBLOCK)];
  return {
    source: new Socket({ fd: from, readable: true, writable: false }),
    holder: new Socket({ fd: to, readable: false, writable: true }),
  };
}

async function openOutput(uri: string): Promise<Writable | undefined> {
  if (uri === '' || uri === '/dev/null') return undefined;
  if (uri.startsWith('file:')) {
    const path = fileURLToPath(`file://${new URL(uri).pathname}`);
    return createWriteStream(path, { flags: 'a', mode: 0o640 });
  }
  const fd = await openFile(await fifoAt(uri), O_RDWR | O_NONBLOCK);
  return new Socket({ fd, readable: false, writable: true });
}

async function fifoAt(uri: string): Promise<string> {
  const path = uri.startsWith('fifo://') ? decodeURIComponent(new URL(uri).pathname) : uri;
  const found = await unlessAbsent(stat(path));
  if (found?.isFIFO()) return path;
  if (found !== undefined) throw new Fault('invalid_argument', `stream ${quote(uri)}: is no FIFO`);
  throw new Fault('not_found', `stream ${quote(uri)}: there is no FIFO; make it before the process`);
}

/** What a terminal makes of the ends of lines. */
function cooked(to: Writable = nowhere()): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      const text = chunk.toString('latin1').replaceAll('\n', '\r\n');
      to.write(Buffer.from(text, 'latin1'), () => done());
    },
  });
}

const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() });
