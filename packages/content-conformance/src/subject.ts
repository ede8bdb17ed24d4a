import type { ContentStore } from '@stowage/content';

/** What not every store can do. A case that needs what is not claimed is reported skipped, never passed. */
export type Capability =
  /** Keeps labels, those of `commit` and those of `update`. Without it `update` is `unimplemented`. */
  | 'labels'
  /** Truncates an ingest to any offset. Without it, to 0 only, and anything else is `unimplemented`. */
  | 'truncate'
  /** Finds blobs and ingests again when the same root is opened a second time. */
  | 'reopen';

export type OpenStore = ContentStore & Partial<AsyncDisposable>;

/** The store that is put to the test. */
export interface Subject {
  readonly name: string;
  readonly capabilities: ReadonlySet<Capability>;
  /** The store at a directory: fresh and empty where there is nothing yet. The kit disposes it. */
  open(root: string): Promise<OpenStore>;
}

export interface CaseContext {
  readonly store: ContentStore;
  /** Disposes the store and opens the same root again. */
  reopen(): Promise<ContentStore>;
}

/** One rule of the contract, put to the test. */
export interface Case {
  /** Stable: others name it in reports and skip lists. */
  readonly id: string;
  readonly needs?: readonly Capability[];
  /** Runs only where this is not claimed: asserts how the store refuses. */
  readonly without?: Capability;
  /** Rejects if the store broke the rule. */
  run(context: CaseContext): Promise<void>;
}

/** What the kit needs of a test runner: `describe`, `test` and `test.skip` of jest, vitest or node:test. */
export interface Runner {
  describe(name: string, body: () => void): void;
  test(name: string, body: () => Promise<void>): void;
  skip(name: string, body: () => Promise<void>): void;
}
