import { join } from 'node:path';
import type { CallOptions } from '@stowage/core';
import { type CommandRunner, type CommandStdio, quiet } from './command.ts';
import type { RuntimeChoice } from './runtime-choice.ts';

export interface OciRuntimeOptions {
  readonly choice: RuntimeChoice;
  /** Id of the container. */
  readonly id: string;
  /** The task's directory, for logs and pid files. */
  readonly directory: string;
  readonly commands: CommandRunner;
}

export interface NewProcess extends CallOptions {
  readonly stdio: CommandStdio;
  readonly pidFile: string;
  /** Where the runtime shall send the master of a terminal. */
  readonly consoleSocket?: string | undefined;
}

/** How CRIU is run by the runtime. */
export interface CriuRun extends CallOptions {
  /** Where it works, and logs. */
  readonly workPath: string;
  /** Its settings, beside those that the runtime gives. */
  readonly configFile: string;
  /** Directory of the program, where PATH is not to be asked. */
  readonly searchFirst: string | undefined;
}

/**
 * The commands of an OCI runtime (runc, crun, youki) about one container. Each is one run of its binary; none is
 * repeated or polled. A command that fails throws what the runtime gave as its reason.
 *
 * @see runtime-spec runtime.md, Operations; runc man/
 */
export class OciRuntime {
  readonly #options: OciRuntimeOptions;
  /** Whether a removal that was begun ahead succeeded. */
  #ahead: Promise<boolean> | undefined;
  #asked = false;

  constructor(options: OciRuntimeOptions) {
    this.#options = options;
  }

  create(bundle: string, process: NewProcess): Promise<void> {
    const { noPivotRoot, noNewKeyring } = this.#options.choice;
    const args = ['--bundle', bundle, ...processArgs(process)];
    if (noPivotRoot) args.push('--no-pivot');
    if (noNewKeyring) args.push('--no-new-keyring');
    return this.#run('create', args, process);
  }

  start(options: CallOptions = {}): Promise<void> {
    return this.#run('start', [], options);
  }

  /** Starts a process whose runtime-spec Process lies in a file, and lets go of it. */
  exec(execId: string, processFile: string, process: NewProcess): Promise<void> {
    const args = ['--detach', '--process', processFile, ...processArgs(process)];
    return this.#run('exec', args, { ...process, execId });
  }

  kill(signal: number, all: boolean): Promise<void> {
    return this.#run('kill', all ? ['--all'] : [], {}, [String(signal)]);
  }

  /** Has CRIU write images of all processes to a directory. With `--leave-running` among the arguments they go on. */
  checkpoint(imagePath: string, args: readonly string[], criu: CriuRun): Promise<void> {
    const paths = ['--image-path', imagePath, '--work-path', criu.workPath];
    return this.#run('checkpoint', [...paths, ...args], { signal: criu.signal, criu });
  }

  /** Makes a container whose processes go on from images. */
  restore(
    bundle: string,
    { path, parent }: { readonly path: string; readonly parent?: string | undefined },
    process: NewProcess & CriuRun,
  ): Promise<void> {
    const args = ['--detach', '--no-subreaper', '--image-path', path, '--work-path', process.workPath];
    if (parent !== undefined) args.push('--parent-path', parent);
    if (this.#options.choice.noPivotRoot) args.push('--no-pivot');
    args.push('--bundle', bundle, ...processArgs(process));
    return this.#run('restore', args, { stdio: process.stdio, signal: process.signal, criu: process });
  }

  pause(): Promise<void> {
    return this.#run('pause', []);
  }

  resume(): Promise<void> {
    return this.#run('resume', []);
  }

  /** Changes limits to those in a file of JSON of runtime-spec LinuxResources. */
  update(resourcesFile: string): Promise<void> {
    return this.#run('update', ['--resources', resourcesFile]);
  }

  /**
   * Begins to remove a container that has stopped, before anybody asks: {@link delete} then has little or nothing
   * left to wait for. Does nothing where that is what stopped it. Call it once.
   */
  deleteAhead(): void {
    if (this.#asked) return;
    this.#ahead = this.#run('delete', []).then(
      () => true,
      // Whatever was wrong, the delete that is asked for will meet it and tell.
      () => false,
    );
  }

  /** Removes the container; with `force`, kills it first. */
  async delete(options: { readonly force?: boolean } = {}): Promise<void> {
    this.#asked = true;
    if (await this.#ahead) return;
    await this.#run('delete', options.force === true ? ['--force'] : []);
  }

  /** Where the commands about a process write their log. */
  log(execId?: string): string {
    return join(this.#options.directory, execId === undefined ? 'init.log' : `exec-${execId}.log`);
  }

  #run(
    command: string,
    args: readonly string[],
    how: CallOptions & {
      readonly stdio?: CommandStdio;
      readonly execId?: string;
      readonly criu?: CriuRun;
    } = {},
    after: readonly string[] = [],
  ): Promise<void> {
    const { choice, id, commands } = this.#options;
    const log = this.log(how.execId);
    const common = ['--root', choice.root, '--log', log, '--log-format', 'json'];
    if (choice.systemdCgroup) common.push('--systemd-cgroup');
    return commands.run({
      binary: choice.binary,
      args: [...common, command, ...args, id, ...after],
      what: `${command} ${id}`,
      stdio: how.stdio ?? quiet,
      log,
      signal: how.signal,
      ...(how.criu && {
        env: { CRIU_CONFIG_FILE: how.criu.configFile },
        searchFirst: how.criu.searchFirst,
      }),
    });
  }
}

function processArgs({ pidFile, consoleSocket }: NewProcess): string[] {
  return ['--pid-file', pidFile, ...(consoleSocket === undefined ? [] : ['--console-socket', consoleSocket])];
}
