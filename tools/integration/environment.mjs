// A directory for temporary files of each test file's own, and a failure of the file that leaves something in it.
import { chmodSync, mkdtempSync } from 'node:fs';
import { readdir, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestEnvironment } from 'jest-environment-node';

export default class OwnTemp extends TestEnvironment {
  #path;
  #outer;

  constructor(config, context) {
    const outer = process.env.TMPDIR;
    // Short, as paths of sockets are below it. The tests get a copy of the environment as it is now.
    const path = mkdtempSync(join(tmpdir(), 'st-'));
    // Others of the machine's users may go through it, as through that of all.
    chmodSync(path, 0o755);
    process.env.TMPDIR = path;
    // npm would keep what it compiled among them.
    process.env.NODE_DISABLE_COMPILE_CACHE = '1';
    super(config, context);
    this.#path = path;
    this.#outer = outer;
  }

  /** Told as one more failure of the file, beside those of its tests. */
  async handleTestEvent({ name }, { unhandledErrors }) {
    if (name !== 'run_finish') return;
    const left = await readdir(this.#path);
    if (left.length === 0) await rmdir(this.#path);
    else unhandledErrors.push(new Error(`left in ${this.#path}: ${left.join(', ')}`));
  }

  async teardown() {
    await super.teardown();
    if (this.#outer === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = this.#outer;
  }
}
