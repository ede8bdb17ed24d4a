import { chmod, copyFile, mkdir, mkdtemp, readdir, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errnoOf, jsonBytes, TYPE_URL, type TypedBytes } from '@stowage/core';
import type { CreateTask } from '@stowage/runtime';
import { InputPipe, OutputPipe } from './pipes.ts';
import { processOf, specOf } from './spec.ts';

const PROGRAMS = ['sh', 'echo', 'cat', 'sleep', 'true', 'stty'];

/** Streams that a case made for a process. */
export interface Streams {
  readonly input: InputPipe;
  readonly output: OutputPipe;
  /** Without a terminal. */
  readonly errors: OutputPipe | undefined;
  /** What the requests of the process say of them. */
  readonly stdio: {
    readonly stdin: string;
    readonly stdout: string;
    readonly stderr: string;
    readonly terminal: boolean;
  };
}

/** Makes containers of busybox, each with a bundle of its own. */
export class Containers implements AsyncDisposable {
  readonly #namespace: string;
  readonly #runtime: string;
  /** Of the containers that were asked for. */
  readonly ids = new Set<string>();
  readonly #open: Disposable[] = [];
  #directory: Promise<string> | undefined;
  #pipes = 0;

  constructor(namespace: string, runtime: string) {
    this.#namespace = namespace;
    this.#runtime = runtime;
  }

  /** A bundle, and the request that makes its container. */
  async request(id: string, script: string, streams?: Streams): Promise<CreateTask> {
    const directory = await this.#prepared();
    const bundle = join(directory, 'bundles', id);
    this.ids.add(id);
    await mkdir(join(bundle, 'rootfs'), { recursive: true, mode: 0o711 });
    const stdio = streams?.stdio ?? { stdin: '', stdout: '', stderr: '', terminal: false };
    const cgroup = `/${this.#namespace}/${id}`;
    await writeFile(join(bundle, 'config.json'), JSON.stringify(specOf(script, stdio.terminal, cgroup)));
    const rootfs = [{ type: 'bind', source: join(directory, 'lower'), options: ['rbind', 'rw'] }];
    return { id, bundle, runtime: this.#runtime, rootfs, ...stdio };
  }

  /** What an exec runs. */
  process(script: string, terminal = false): TypedBytes {
    return jsonBytes(TYPE_URL.process, processOf(script, terminal));
  }

  async streams(terminal: boolean): Promise<Streams> {
    const directory = await this.#prepared();
    const path = () => join(directory, `pipe${this.#pipes++}`);
    const input = new InputPipe(path());
    const output = new OutputPipe(path());
    const errors = terminal ? undefined : new OutputPipe(path());
    this.#open.push(input, output, ...(errors ? [errors] : []));
    const stdio = { stdin: input.path, stdout: output.path, stderr: errors?.path ?? '', terminal };
    return { input, output, errors, stdio };
  }

  async #prepared(): Promise<string> {
    this.#directory ??= (async () => {
      const directory = await mkdtemp(join(tmpdir(), 'runtime-kit-'));
      const root = join(directory, 'lower');
      for (const name of ['bin', 'dev', 'proc', 'sys']) await mkdir(join(root, name), { recursive: true });
      await copyFile('/bin/busybox', join(root, 'bin/busybox'));
      await chmod(join(root, 'bin/busybox'), 0o755);
      for (const name of PROGRAMS) await symlink('busybox', join(root, 'bin', name));
      return directory;
    })();
    return this.#directory;
  }

  /** Removes the bundle of a task that was deleted. Its rootfs must be unmounted by then. */
  async removed(id: string): Promise<void> {
    const bundle = join(await this.#prepared(), 'bundles', id);
    await rmdir(join(bundle, 'rootfs'));
    await rm(bundle, { recursive: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pipe of this.#open.splice(0)) pipe[Symbol.dispose]();
    const directory = await this.#directory;
    if (directory === undefined) return;
    // A case that failed may have left a mount, and what is in it must not be removed.
    for (const id of this.ids) await unlessMissing(rmdir(join(directory, 'bundles', id, 'rootfs')));
    await removeCgroups(this.#namespace);
    await rm(join(directory, 'lower'), { recursive: true });
    await rm(directory, { recursive: true });
  }
}

/** A runtime removes a container's cgroup and leaves those above it, in each hierarchy. */
async function removeCgroups(name: string): Promise<void> {
  const root = '/sys/fs/cgroup';
  const hierarchies = (await readdir(root)).map((one) => join(root, one, name));
  await Promise.all([join(root, name), ...hierarchies].map((path) => rmdir(path).catch(() => {})));
}

async function unlessMissing(call: Promise<void>): Promise<void> {
  try {
    await call;
  } catch (e) {
    if (errnoOf(e) !== 'ENOENT') throw e;
  }
}
