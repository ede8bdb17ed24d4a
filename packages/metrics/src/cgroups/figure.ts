import type { Family, Labels, Sample } from '../exposition.ts';

/** One of the figures that containerd has of each container. */
export interface Figure<M> {
  /** With its unit at the end, less `container_`. */
  readonly name: string;
  readonly help: string;
  /** Its values in one container's figures, which may be none. */
  readonly values: (of: M) => Iterable<Value> | bigint | undefined;
}

export interface Value {
  readonly labels: Labels;
  readonly value: bigint;
}

/** Figures of one container. */
export interface Counted<M> {
  readonly namespace: string;
  readonly id: string;
  readonly stats: M;
}

/** The families of some figures, over all containers. */
export function familiesOf<M>(
  figures: ReadonlyArray<Figure<M>>,
  counted: ReadonlyArray<Counted<M>>,
): Family[] {
  return figures.map(({ name, help, values }) => ({
    name: `container_${name}`,
    help,
    type: 'gauge',
    samples: { [Symbol.iterator]: () => samplesOf(counted, values) },
  }));
}

function* samplesOf<M>(
  counted: ReadonlyArray<Counted<M>>,
  values: Figure<M>['values'],
): Generator<Sample, undefined> {
  for (const { id, namespace, stats } of counted) {
    const found = values(stats);
    const own = { container_id: id, namespace };
    if (typeof found === 'bigint') yield { labels: own, value: found };
    else for (const { labels, value } of found ?? []) yield { labels: { ...own, ...labels }, value };
  }
}
