/** One metric: what Prometheus calls a family, with all its series. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Gone through each time they are printed. */
  readonly samples: Iterable<Sample>;
}

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  /** `_bucket`, `_sum` or `_count` of a histogram. */
  readonly suffix?: string | undefined;
  /** Names must be those of Prometheus; values may be any text. */
  readonly labels?: Labels | undefined;
  readonly value: number | bigint;
}

/** Series that are printed in one go. */
const PIECE = 500;

/**
 * Prints families in the text format 0.0.4, in pieces, so that whoever sends them can let others have a turn between
 * them. A family without samples is left out.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function* render(families: Iterable<Family>): Generator<string> {
  for (const { name, help, type, samples } of families) {
    let text = `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
    let count = 0;
    for (const { suffix = '', labels, value } of samples) {
      text += `${name}${suffix}${labelText(labels)} ${valueText(value)}\n`;
      count += 1;
      if (count % PIECE !== 0) continue;
      yield text;
      text = '';
    }
    if (count > 0 && text !== '') yield text;
  }
}

function labelText(labels: Labels | undefined): string {
  if (labels === undefined) return '';
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/** Label values end at a quote and at the end of the line. Half a surrogate pair has no UTF-8. */
export function escapeLabel(value: string): string {
  return escapeHelp(value).replaceAll('"', '\\"').toWellFormed();
}

export function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function valueText(value: number | bigint): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
}
