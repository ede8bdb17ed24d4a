import { html, type Shown } from './html.ts';

interface SparklineProps {
  readonly values: readonly number[];
  /** The top; what is higher raises it. */
  readonly most: number;
  /** Says in words what is drawn. */
  readonly label: string;
}

const [WIDTH, HEIGHT, POINTS] = [120, 28, 60];

/** How something went in the last minute, drawn small. */
export function Sparkline({ values, most, label }: SparklineProps): Shown {
  const top = Math.max(most, ...values) || 1;
  const x = (i: number) => (((POINTS - values.length + i) / (POINTS - 1)) * WIDTH).toFixed(1);
  const y = (value: number) => (HEIGHT - 1 - (value / top) * (HEIGHT - 2)).toFixed(1);
  const line = values.map((value, i) => `${x(i)},${y(value)}`).join(' ');
  const area = values.length === 0 ? '' : `${x(0)},${HEIGHT} ${line} ${x(values.length - 1)},${HEIGHT}`;
  return html`<svg class="sparkline" viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${label}>
    <polygon points=${area} />
    <polyline points=${line} vector-effect="non-scaling-stroke" />
  </svg>`;
}
