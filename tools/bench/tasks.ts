import type { Row } from './figures.ts';
import { crowd } from './tasks/crowd.ts';
import { exec } from './tasks/exec.ts';
import { memory } from './tasks/memory.ts';
import { output } from './tasks/output.ts';
import { run } from './tasks/run.ts';
import { waits } from './tasks/waits.ts';

export interface TasksOptions {
  /** Holds the files of both daemons. */
  readonly dir: string;
  readonly rounds: number;
  /** How many containers are held at a time. */
  readonly containers: number;
}

export const TASKS = ['run', 'crowd', 'exec', 'output', 'waits', 'memory'] as const;

/** The measurements of running containers, each with two daemons of its own. */
export const tasks: Readonly<Record<(typeof TASKS)[number], (options: TasksOptions) => Promise<Row[]>>> = {
  ...{ run, crowd, exec, output, waits, memory },
};
