import stringWidth from 'string-width';

/** How many columns of a terminal a line takes: those of East Asia and most pictures take two each. */
export function widthOf(text: string): number {
  return isPlain(text) ? text.length : stringWidth(text);
}

export function padTo(text: string, width: number): string {
  return `${text}${' '.repeat(Math.max(0, width - widthOf(text)))}`;
}

/** As much of a line as fits, with `…` where the rest was. Never half of what a person takes for one character. */
export function cutTo(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (width <= 0) return '';
  if (isPlain(text)) return `${text.slice(0, width - 1)}…`;
  let [kept, taken] = ['', 0];
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    taken += widthOf(segment);
    if (taken > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** Of most lines it need not be found out. */
function isPlain(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}
