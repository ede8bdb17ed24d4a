import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { Fault } from '@stowage/core';
import { Interrupted } from './interrupt.ts';

/**
 * Asks a person at the terminal for one line.
 *
 * @param isHidden - Whether what is typed is not to be seen.
 * @throws Interrupted at Ctrl-C; Fault `canceled` at the end of the input.
 */
export function ask(question: string, { isHidden = false } = {}): Promise<string> {
  const { stdin, stderr } = process;
  // The line editor shows what is typed by writing it out, so nobody sees what nobody takes.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const editor = createInterface({
    input: stdin,
    output: isHidden ? nowhere : stderr,
    terminal: true,
    historySize: 0,
  });
  if (isHidden) stderr.write(question);
  return new Promise<string>((resolve, reject) => {
    editor.once('SIGINT', () => reject(new Interrupted('SIGINT')));
    editor.once('close', () => reject(new Fault('canceled', `${question.trim()} nothing was typed`)));
    editor.question(isHidden ? '' : question, resolve);
  }).finally(() => {
    editor.close();
    if (isHidden) stderr.write('\n');
  });
}
