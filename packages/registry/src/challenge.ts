/** One way to authenticate that a server offers in `WWW-Authenticate` (RFC 9110, section 11.6.1). */
export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const MAX_CHARACTERS = 8192;
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const PARAMETER = /[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))[ \t]*/y;

/** What could be read; the rest of a malformed header is passed over. */
export function parseChallenges(header: string | string[] | undefined): Challenge[] {
  const text = (Array.isArray(header) ? header.join(', ') : (header ?? '')).slice(0, MAX_CHARACTERS);
  const challenges: Challenge[] = [];
  for (let at = 0; at < text.length; ) {
    const scheme = match(TOKEN, text, at);
    if (scheme === undefined) {
      at++;
      continue;
    }
    at += scheme[0].length;
    const parameters = new Map<string, string>();
    for (;;) {
      const parameter = match(PARAMETER, text, at);
      if (parameter === undefined) break;
      const [whole, name = '', quoted, plain = ''] = parameter;
      if (!parameters.has(name.toLowerCase())) {
        parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain);
      }
      at += whole.length;
      if (text[at] !== ',') break;
      at++;
    }
    challenges.push({ scheme: scheme[0].toLowerCase(), parameters });
  }
  return challenges;
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}
