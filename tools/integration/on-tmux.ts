import { rm } from 'node:fs/promises';
import { must, run, until } from '@stowage/testing';

/** A terminal that can be typed into, resized and looked at. */
export class Tmux implements AsyncDisposable {
  readonly #socket: string;

  /** @param name - of this process's, if it has several. */
  constructor(name: string) {
    this.#socket = `stowage-test-${process.pid}-${name}`;
  }

  /** Starts a program on a terminal of its own, in place of the one before. */
  async open(program: string, columns = 90, rows = 30): Promise<void> {
    await this.#tmux('new-session', '-d', '-s', 'main', '-x', `${columns}`, '-y', `${rows}`, program);
  }

  type = (...keys: string[]) => this.#tmux('send-keys', '-t', 'main', ...keys);

  /** A line for a shell, on a cleared screen. */
  enter = (line: string) => this.#tmux('send-keys', '-t', 'main', `clear; ${line}`, 'Enter');

  resize = (columns: number, rows: number) =>
    this.#tmux('resize-window', '-t', 'main', '-x', `${columns}`, '-y', `${rows}`);

  screen = () => this.#tmux('capture-pane', '-p', '-t', 'main');

  /** The same with the sequences that colour it. */
  coloured = () => this.#tmux('capture-pane', '-e', '-p', '-t', 'main');

  async isCursorShown(): Promise<boolean> {
    return (await this.#tmux('display-message', '-p', '-t', 'main', '#{cursor_flag}')).trim() === '1';
  }

  /** @throws what is on the screen, if it does not come. */
  async shows(pattern: RegExp): Promise<string> {
    let last = '';
    try {
      await until(`${pattern}`, async () => {
        last = await this.screen();
        return pattern.test(last);
      });
    } catch (e) {
      throw new Error(`the screen does not show ${pattern}:\n${last}`, { cause: e });
    }
    return last;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run('tmux', ['-L', this.#socket, 'kill-server']);
    await rm(`/tmp/tmux-${process.getuid?.()}/${this.#socket}`, { force: true });
  }

  #tmux(...args: string[]): Promise<string> {
    // What the tests' own output is to look like is none of its programs' business.
    const env = { FORCE_COLOR: undefined, NO_COLOR: undefined, CI: undefined };
    return must('tmux', ['-u', '-L', this.#socket, '-f', '/dev/null', ...args], { env });
  }
}
