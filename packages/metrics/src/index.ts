export { type MetricsAddress, parseMetricsAddress } from './address.ts';
export { CallFigures } from './call-figures.ts';
export type { Collector } from './collector.ts';
export { escapeHelp, escapeLabel, type Family, type Labels, render, type Sample } from './exposition.ts';
export { Histogram } from './histogram.ts';
export { type Metrics, metricsSlot } from './metrics.ts';
