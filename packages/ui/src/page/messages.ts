// What the daemon's services answer, in JSON, as far as the page looks at it. What is empty or 0 is left out of JSON.

export interface Container {
  readonly id: string;
  readonly image?: string;
  readonly createdAt?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: { readonly value?: { readonly process?: { readonly args?: readonly string[] } } };
}

export interface Task {
  readonly id: string;
  readonly pid?: number;
  readonly status?: string;
  readonly exitStatus?: number;
}

export interface Usage {
  readonly id: string;
  readonly atMs: number;
  readonly cpuNs: string;
  readonly memoryBytes: string;
  readonly memoryLimitBytes: string;
  readonly pids: string;
}

export interface Image {
  readonly name: string;
  readonly target?: { readonly digest?: string; readonly mediaType?: string };
  readonly updatedAt?: string;
}

export interface GcObject {
  readonly namespace?: string;
  readonly kind?: string;
  readonly snapshotter?: string;
  readonly name?: string;
}

export interface GcRoot {
  readonly object?: GcObject;
  readonly reason?: { readonly why?: string; readonly label?: string };
  readonly until?: string;
}

export interface Explanation {
  readonly verdict?: string;
  readonly path?: readonly GcRoot[];
  readonly roots?: readonly GcRoot[];
  readonly rootCount?: number;
  readonly until?: string;
}

export interface Freed {
  readonly objects?: number;
  readonly contentBytes?: string;
  readonly snapshotBytes?: string;
  readonly ingestBytes?: string;
}

export interface GcUsage {
  readonly object?: GcObject;
  readonly sizeBytes?: string;
  readonly uniqueBytes?: string;
}

export interface Snapshot {
  readonly name: string;
  readonly parent?: string;
  readonly kind?: string;
  readonly createdAt?: string;
}

export interface Lease {
  readonly id: string;
  readonly createdAt?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Part {
  readonly name?: string;
  readonly stage?: string;
  readonly state?: string;
  readonly bytesDone?: string;
  readonly bytesTotal?: string;
}

export interface Operation {
  readonly id: string;
  readonly kind?: string;
  readonly subject?: string;
  readonly state?: string;
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly error?: { readonly message?: string };
  readonly startedBy?: string;
  readonly cancelable?: boolean;
  readonly phases?: ReadonlyArray<{ readonly name?: string }>;
  readonly parts?: readonly Part[];
}

export interface Position {
  readonly epoch?: string;
  readonly sequence?: string;
}

export interface Envelope {
  readonly timestamp?: string;
  readonly namespace?: string;
  readonly topic?: string;
  readonly event?: Readonly<Record<string, unknown>>;
}
