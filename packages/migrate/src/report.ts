/** What became of one thing. */
export interface Step {
  readonly namespace: string;
  readonly kind: 'namespace' | 'blob' | 'image' | 'container';
  /** Name, digest or id. */
  readonly name: string;
  /** `exists`: it was there already, as it is or otherwise; it was left alone. `would`: it would be copied. */
  readonly state: 'copied' | 'exists' | 'failed' | 'would';
  /** Why it failed, or in what the one that was there differs. */
  readonly reason?: string | undefined;
  /** Of a blob. */
  readonly sizeBytes?: bigint | undefined;
}

export type Count = Readonly<Record<Step['state'], number>>;

/** How much came of what, by kind. */
export class Tally {
  readonly #counts = new Map<Step['kind'], Record<Step['state'], number>>();
  readonly #told: ((step: Step) => void) | undefined;

  constructor(told: ((step: Step) => void) | undefined) {
    this.#told = told;
  }

  readonly tell = (step: Step): void => {
    const count = this.#counts.get(step.kind) ?? { copied: 0, exists: 0, failed: 0, would: 0 };
    count[step.state]++;
    this.#counts.set(step.kind, count);
    this.#told?.(step);
  };

  counts(): Readonly<Partial<Record<Step['kind'], Count>>> {
    return Object.fromEntries(this.#counts);
  }
}
