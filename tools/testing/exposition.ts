/** One series of a scrape. */
export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Scrape {
  readonly types: ReadonlyMap<string, string>;
  readonly series: readonly Series[];
  /** The value of the one series with this name and these labels, whatever others it has. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined;
}

/**
 * Reads the text format 0.0.4 as strictly as Prometheus does, and more: each family comes once, with HELP and TYPE before
 * its series, and no series comes twice.
 *
 * @throws Error naming the line that is wrong.
 */
export function parseExposition(text: string): Scrape {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line does not end');
  const types = new Map<string, string>();
  const helps = new Set<string>();
  const seen = new Set<string>();
  const series: Series[] = [];
  let family = '';
  for (const line of text.split('\n').slice(0, -1)) {
    const wrong = (why: string) => new Error(`${why}: ${JSON.stringify(line)}`);
    const [, keyword, about = '', rest = ''] = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.*)$/.exec(line) ?? [];
    if (keyword === 'HELP') {
      if (helps.has(about)) throw wrong('a family comes twice');
      if (!/^(?:[^\\]|\\[\\n])*$/.test(rest)) throw wrong('an unknown escape');
      helps.add(about);
      family = about;
    } else if (keyword === 'TYPE') {
      if (about !== family || types.has(about)) throw wrong('TYPE does not follow HELP');
      if (!['counter', 'gauge', 'histogram'].includes(rest)) throw wrong('an unknown type');
      types.set(about, rest);
    } else {
      const one = parseSeries(line);
      if (one === undefined) throw wrong('no series');
      const suffix = types.get(family) === 'histogram' ? /^(_bucket|_sum|_count)$/ : /^$/;
      if (!one.name.startsWith(family) || !suffix.test(one.name.slice(family.length)))
        throw wrong(`not of the family ${family}`);
      const key = `${one.name} ${JSON.stringify(Object.entries(one.labels).sort())}`;
      if (seen.has(key)) throw wrong('a series comes twice');
      seen.add(key);
      series.push(one);
    }
  }
  const value: Scrape['value'] = (name, labels = {}) => {
    const found = series.filter(
      (one) => one.name === name && Object.entries(labels).every(([key, is]) => one.labels[key] === is),
    );
    if (found.length > 1) throw new Error(`${name} ${JSON.stringify(labels)}: ${found.length} series`);
    return found[0]?.value;
  };
  return { types, series, value };
}

function parseSeries(line: string): Series | undefined {
  const label = String.raw`[a-zA-Z_]\w*="(?:[^"\\]|\\["\\n])*"`;
  const form = new RegExp(`^([a-zA-Z_:][\\w:]*)(?:\\{(${label}(?:,${label})*)\\})? (\\S+)$`);
  const [, name, pairs = '', text = ''] = form.exec(line) ?? [];
  if (name === undefined) return undefined;
  const labels: Record<string, string> = Object.create(null);
  for (const [, key = '', escaped = ''] of pairs.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
    if (Object.hasOwn(labels, key)) return undefined;
    labels[key] = escaped.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
  }
  const value = text.endsWith('Inf') ? Number(text.replace('Inf', 'Infinity')) : Number(text);
  return Number.isNaN(value) && text !== 'NaN' ? undefined : { name, labels, value };
}
