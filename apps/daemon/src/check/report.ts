import type { Writable } from 'node:stream';
import type { Finding } from '@stowage/metadata/check';
import { EXIT_CONFIG, EXIT_FAILED } from '../exit-codes.ts';
import type { Listener } from './check.ts';

/** Writes a line for each thing, for people or as JSON, and remembers how it comes out. */
export class Report implements Listener {
  readonly #out: Writable;
  readonly #isJson: boolean;
  #errors = 0;
  #notes = 0;
  #isOpenable = true;

  constructor(out: Writable, isJson: boolean) {
    this.#out = out;
    this.#isJson = isJson;
  }

  finding(finding: Finding): void {
    if (finding.severity === 'error') this.#errors += 1;
    else this.#notes += 1;
    if (finding.code === 'unopenable') this.#isOpenable = false;
    if (this.#isJson) this.#line(JSON.stringify(finding));
    else this.#line(textOf(finding));
  }

  action(text: string): void {
    this.#line(this.#isJson ? JSON.stringify({ action: text }) : `done: ${visible(text)}`);
  }

  /** Says how it came out. */
  end(what: string): void {
    if (this.#isJson) return;
    const count = `${this.#errors} errors, ${this.#notes} notes`;
    this.#line(this.#errors === 0 ? `${what} is whole (${count})` : `${what} is not whole: ${count}`);
  }

  /** 0 whole, 1 not, 78 not even to be opened. */
  get exitCode(): number {
    if (!this.#isOpenable) return EXIT_CONFIG;
    return this.#errors === 0 ? 0 : EXIT_FAILED;
  }

  #line(text: string): void {
    this.#out.write(`${text}\n`);
  }
}

function textOf({ severity, subject, text, remedy }: Finding): string {
  const todo = remedy === '' ? '' : ` (${remedy})`;
  return `${severity}: ${visible(subject)}: ${visible(text)}${todo}`;
}

/** Names are any text: those of others may not move the cursor. */
function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, (c) => JSON.stringify(c).slice(1, -1));
}
