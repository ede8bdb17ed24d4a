import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Metadata } from '@stowage/metadata';

const run = promisify(execFile);
const asRoot = process.getuid?.() === 0 ? test : test.skip;
const CHILD = fileURLToPath(new URL('writer-child.ts', import.meta.url));

let disk: string;
beforeEach(async () => {
  disk = await mkdtemp(join(tmpdir(), 'metadata-full-'));
});
afterEach(() => rm(disk, { recursive: true, force: true }));

/** A process that writes, and what it said. */
class Writer implements AsyncDisposable {
  readonly #child;
  #said = '';

  constructor(root: string, writers: number, labelBytes: number) {
    this.#child = spawn(
      process.execPath,
      ['--conditions=stowage-source', CHILD, root, 'w', String(writers), String(labelBytes)],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
    });
  }

  /** Whole lines only: the last may be cut off by a kill. */
  get lines(): readonly string[] {
    return this.#said.split('\n').slice(0, -1);
  }

  get acknowledged(): readonly string[] {
    return this.lines.filter((line) => !line.startsWith('!'));
  }

  get failures(): readonly string[] {
    return this.lines.filter((line) => line.startsWith('!'));
  }

  async until(reached: (writer: this) => boolean): Promise<void> {
    for (let tries = 0; !reached(this); tries += 1) {
      if (this.#child.exitCode !== null || tries > 3000)
        throw new Error(`the writer got no further: ${this.lines.slice(-5).join(', ')}`);
      await pause(20);
    }
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await once(this.#child, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.kill();
  }
}

/** Takes all room that there is. */
async function fillUp(path: string): Promise<void> {
  await using file = await open(path, 'w');
  for (let bytes = 1 << 20; bytes > 0; bytes >>= 1) {
    const { bytesWritten } = await file.write(Buffer.alloc(bytes)).catch(() => ({ bytesWritten: 0 }));
    if (bytesWritten === bytes) bytes <<= 1;
  }
}

asRoot.each([
  [1, 10],
  [1, 3500],
  [16, 10],
  [16, 300],
  [16, 3500],
])(
  'a full disk with %i writers and labels of %i bytes: refused while it is full, and what is acknowledged after survives SIGKILL',
  async (writers, labelBytes) => {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=48m,mode=0700', 'tmpfs', disk]);
    try {
      const root = join(disk, 'state');
      await using writer = new Writer(root, writers, labelBytes);
      await writer.until(({ acknowledged }) => acknowledged.length > 50);
      await fillUp(join(disk, 'filler'));
      await writer.until(({ failures }) => failures.includes('! resource_exhausted'));
      await pause(300);
      await rm(join(disk, 'filler'));
      const before = writer.acknowledged.length;
      await writer.until(({ acknowledged }) => acknowledged.length > before + 200);
      await writer.kill();
      expect(['! resource_exhausted', '! unavailable']).toEqual(
        expect.arrayContaining([...new Set(writer.failures)]),
      );
      await using metadata = await Metadata.open(root);
      const found = new Set<string>();
      for await (const { name } of metadata.scope({ namespace: 'default' }).images.list()) found.add(name);
      expect(writer.acknowledged.filter((name) => !found.has(name))).toEqual([]);
      process.stdout.write(
        `full disk: ${writers} writers, ${labelBytes} bytes: ${writer.acknowledged.length} acknowledged, ${writer.failures.length} refused, 0 lost\n`,
      );
    } finally {
      await run('umount', ['-l', disk]);
    }
  },
  120_000,
);
