import { styleText } from 'node:util';

export type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red';

/** What is written on: how wide it is, and whether it shows colours. */
export interface Screen {
  /** Undefined where lines may be as long as they are. */
  readonly columns: number | undefined;
  readonly paint: (style: Style, text: string) => string;
}

/** A terminal is as wide as it is, and in colour unless NO_COLOR is set or TERM is dumb; a file or pipe is neither. */
export function screenOf(stream: NodeJS.WriteStream): Screen {
  return {
    // A terminal that does not tell its width says 0.
    columns: stream.isTTY ? stream.columns || undefined : undefined,
    paint: (style, text) => styleText(style, text, { stream }),
  };
}

/** Everything that is known to be well, under way, or not well, in the words of all lists. */
export function styleOfState(state: string): Style | undefined {
  if (/^(running|ok|complete|done|ready)\b/.test(state)) return 'green';
  if (/^(paus|creat|skipped|partial|left out|canceled|waiting)/.test(state)) return 'yellow';
  if (/^(failed|damaged|absent|corrupt|missing|exited \((?!0\)))/.test(state)) return 'red';
  return undefined;
}
