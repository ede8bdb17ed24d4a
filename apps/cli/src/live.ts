/** Lines at the end of a terminal that are drawn anew, again and again; what is above them stays. */
export interface LiveLines extends Disposable {
  /**
   * Draws them in place of the ones before.
   *
   * @param above - a line that is to stay above them.
   */
  draw(lines: readonly string[], above?: string): void;
}

const [HIDE_CURSOR, SHOW_CURSOR] = ['\u001b[?25l', '\u001b[?25h'];
// A line that is longer than the terminal is wide must not become two: the terminal cuts it.
const [NO_WRAP, WRAP] = ['\u001b[?7l', '\u001b[?7h'];
const CLEAR_BELOW = '\u001b[J';

/** Disposing leaves what was drawn last, and the cursor below it. */
export function liveLines(stream: NodeJS.WriteStream): LiveLines {
  let drawn = 0;
  // A process that ends midway must not leave a terminal without a cursor.
  const restore = () => void stream.write(`${WRAP}${SHOW_CURSOR}`);
  process.once('exit', restore);
  return {
    draw(lines, above) {
      const up = drawn === 0 ? '\r' : `\r\u001b[${drawn}A`;
      const kept = above === undefined ? '' : `${above}\n`;
      const text = lines.map((line) => `${line}\n`).join('');
      stream.write(`${HIDE_CURSOR}${NO_WRAP}${up}${CLEAR_BELOW}${kept}${text}${WRAP}${SHOW_CURSOR}`);
      drawn = lines.length;
    },
    [Symbol.dispose]() {
      process.off('exit', restore);
    },
  };
}
