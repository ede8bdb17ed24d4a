import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Fault, type Logger } from '@stowage/core';
import type { Events } from '@stowage/events';
import type { CreateTask, RuntimeProcess } from '@stowage/runtime';
import { layout } from '../layout.ts';
import { readTaskRecord } from '../supervisor/task-record.ts';
import type { SupervisorConnection } from './connection.ts';
import { type Group, type Grouping, groupOf, parseSupervisorName, supervisorName } from './groups.ts';
import { Holdings } from './holdings.ts';
import { type FoundSupervisor, findSupervisor, launchSupervisor, supervisorNames } from './launch.ts';
import { lastWords, removeDead, removePrograms, tasksByOwner } from './leftovers.ts';
import { Line } from './line.ts';
import { Making } from './making.ts';
import { passOnLeft } from './pass-on-left.ts';
import type { ProcessTable } from './process-table.ts';
import type { SupervisorProgram } from './program.ts';
import { Relay } from './relay.ts';
import { TableSource } from './table-source.ts';

/** How long one that hangs may keep others from being listed. */
const LIST_MS = 2000;
/** How long the supervisor of a group stays without containers, since another one often follows soon. */
const REST_MS = 3000;

export const LIFETIMES = ['detached', 'needed', 'owned'] as const;

/**
 * What becomes of supervisors when the pool is closed. `detached`: they go on, with or without containers. `needed`: those
 * with containers go on. `owned`: they end with their containers.
 */
export type Lifetime = (typeof LIFETIMES)[number];

export interface SupervisorPoolOptions {
  readonly state: string;
  readonly grouping: Grouping;
  /** What new supervisors are started from. */
  readonly program: SupervisorProgram;
  /** OCI runtime: name in PATH, or path. */
  readonly binary: string;
  readonly runtimeRoot: string;
  /** Supervisors end with this process, so they stay in its cgroups. */
  readonly stay: boolean;
  readonly events: Pick<Events, 'forward'>;
  readonly table: ProcessTable;
  readonly log: Logger;
}

/** A supervisor that can be called. */
export interface Reached {
  readonly line: Line;
  readonly connection: SupervisorConnection;
}

/**
 * All supervisors of a state directory. New containers go to the one of their group that is of this build; each other
 * one keeps those that it has, until the last is deleted, and ends then. The tasks of one that died go to the one of
 * its group that is of this build. A supervisor that is dead or hangs disturbs its own containers alone.
 */
export class SupervisorPool implements AsyncDisposable {
  readonly #options: SupervisorPoolOptions;
  readonly #lines = new Map<string, Line>();
  readonly #making: Making;
  /** When it is over, a supervisor that rests is ended. */
  readonly #rests = new Map<Line, NodeJS.Timeout>();
  #disposed = false;

  private constructor(options: SupervisorPoolOptions) {
    this.#options = options;
    this.#making = new Making(options.table);
  }

  /** Settles once it is known what there is, but for what supervisors have that hang. */
  static async open(options: SupervisorPoolOptions): Promise<SupervisorPool> {
    const { state, log, program } = options;
    const pool = new SupervisorPool(options);
    const [names, owners] = await Promise.all([supervisorNames(state), tasksByOwner(state, log)]);
    await Promise.all([...new Set([...names, ...owners.keys()])].map((name) => pool.#meet(name)));
    await removePrograms(state, program.build);
    return pool;
  }

  /** One that serves may hang; what a dead one left is taken over. */
  async #meet(name: string): Promise<void> {
    const found = await findSupervisor(this.#options.state, name);
    const { tried } = this.#line(name, found?.info.group ?? '');
    await (found === undefined ? tried : Promise.race([tried, delay(LIST_MS, undefined, { ref: false })]));
  }

  /** Settles when the table holds all there is, but for what supervisors have that hang. */
  async listed(): Promise<void> {
    if (this.#disposed) throw closed();
    const unlisted = [...this.#lines.values()].filter((line) => !line.isListed);
    if (unlisted.length === 0) return;
    const late = new AbortController();
    const all = Promise.all(unlisted.map((line) => line.tried));
    await Promise.race([all, delay(LIST_MS, undefined, late).catch(() => {})]);
    late.abort();
  }

  /** The supervisors that are known to be there, by their names. */
  get processes(): readonly RuntimeProcess[] {
    return [...this.#lines.values()].flatMap(({ name, pid }) => (pid === undefined ? [] : [{ name, pid }]));
  }

  /** The supervisor that has a task. Undefined if there is no such task. */
  async reach(namespace: string, id: string): Promise<Reached | undefined> {
    for (;;) {
      if (this.#disposed) throw closed();
      const line = await this.#lineOf(namespace, id);
      if (line === undefined) return undefined;
      const connection = await line.connect();
      if (connection !== undefined) return { line, connection };
    }
  }

  async #lineOf(namespace: string, id: string): Promise<Line | undefined> {
    const { table, state } = this.#options;
    const known = table.ownerOf(namespace, id);
    if (known !== undefined) return this.#lines.get(known);
    const making = this.#making.lineOf(namespace, id);
    if (making !== undefined || [...this.#lines.values()].every((line) => line.isListed)) return making;
    // One that is not listed may have it.
    const record = await readTaskRecord(join(layout(state).tasks, namespace, id));
    return record && this.#lines.get(record.owner);
  }

  /** Has a container made by the supervisor that it belongs to. */
  async create<T>(
    namespace: string,
    request: CreateTask,
    make: (connection: SupervisorConnection) => Promise<T>,
  ): Promise<T> {
    const { grouping, program, table } = this.#options;
    const group = await groupOf(grouping, namespace, request);
    const name = supervisorName(program.build, group);
    const owner = table.ownerOf(namespace, request.id);
    // If that one is dead, the end of an earlier container may not be told yet.
    if (owner !== undefined && owner !== name) await this.#lines.get(owner)?.connect();
    for (;;) {
      if (this.#disposed) throw closed();
      const line = this.#line(name, group.label);
      using _ = this.#making.begin(line, namespace, request.id);
      line.making++;
      try {
        const connection = await line.connect();
        if (connection !== undefined) return await make(connection);
      } finally {
        line.making--;
        this.#rest(line);
      }
    }
  }

  #line(name: string, label: string): Line {
    const known = this.#lines.get(name);
    if (known !== undefined) return known;
    const { state, table, events, log } = this.#options;
    const relay: Relay = new Relay({
      ...{ table, events, log },
      source: new TableSource(name),
      holdings: new Holdings(log),
      onChange: ({ kind }) => kind === 'gone' && this.#rest(line),
    });
    const line: Line = new Line({
      ...{ name, label, relay, log },
      find: () => findSupervisor(state, name),
      replace: (dead) => this.#replace(dead),
      onConnect: (connected) => this.#rest(connected),
    });
    this.#lines.set(name, line);
    return line;
  }

  /** What a dead supervisor had goes on: with another one of its name, or where new containers of its group go. */
  async #replace(dead: Line): Promise<FoundSupervisor | undefined> {
    const { state, program, table, log, binary, runtimeRoot, stay } = this.#options;
    const { build, key } = parseSupervisorName(dead.name);
    const group: Group = { key, label: dead.options.label };
    const hasTasks = (await tasksByOwner(state, log)).has(dead.name);
    if (build === program.build && (hasTasks || dead.making > 0)) {
      return launchSupervisor({ state, program, group, binary, runtimeRoot, stay, log });
    }
    await passOnLeft(state, dead.options.relay);
    if (hasTasks || table.hasTasksOf(dead.source)) await this.#giveAway(dead, group);
    await this.#bury(dead);
    return undefined;
  }

  async #giveAway(dead: Line, group: Group): Promise<void> {
    const { program } = this.#options;
    const name = supervisorName(program.build, group);
    if (name === dead.name) return;
    for (let given = false; !given; ) {
      const heir = this.#line(name, group.label);
      heir.making++;
      try {
        const connection = await heir.connect();
        await connection?.takeOver(dead.name, dead.holdings);
        given = connection !== undefined;
      } finally {
        heir.making--;
        this.#rest(heir);
      }
    }
  }

  async #bury(dead: Line): Promise<void> {
    const { state, program, table, log } = this.#options;
    if (!dead.wasAsked && dead.isListed) {
      const words = await lastWords(state, dead.name);
      log.warn({ name: dead.name, log: words }, 'a supervisor died; its containers have another one');
    }
    if (!(await removeDead(state, dead.name))) {
      throw new Fault('unavailable', `supervisor ${dead.name}: another process has its name`);
    }
    this.#lines.delete(dead.name);
    clearTimeout(this.#rests.get(dead));
    this.#rests.delete(dead);
    dead.holdings[Symbol.dispose]();
    table.drop(dead.source);
    await removePrograms(state, program.build);
  }

  /** Ends a supervisor, at once or soon, that has no containers and will get none, or seldom any. */
  #rest(line: Line): void {
    const { program, grouping, table } = this.#options;
    const { build, key } = parseSupervisorName(line.name);
    const isOld = build !== program.build;
    if (!isOld && key === '' && grouping === 'one') return;
    clearTimeout(this.#rests.get(line));
    this.#rests.delete(line);
    const isIdle = () => line.making === 0 && !table.hasTasksOf(line.source);
    if (this.#disposed || line.isOver || !isIdle()) return;
    const end = () => {
      this.#rests.delete(line);
      if (!isIdle()) return;
      line.end().catch((err: unknown) => {
        // A creation that was given up is being undone, most likely.
        this.#options.log.debug({ err, name: line.name }, 'a supervisor without containers does not end yet');
        if (!this.#disposed) this.#rests.set(line, setTimeout(() => this.#rest(line), REST_MS).unref());
      });
    };
    this.#rests.set(line, setTimeout(end, isOld ? 0 : REST_MS).unref());
  }

  async close(lifetime: Lifetime): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const timer of this.#rests.values()) clearTimeout(timer);
    this.#making[Symbol.dispose]();
    const ends = (line: Line) =>
      lifetime === 'owned' || (lifetime === 'needed' && !this.#options.table.hasTasksOf(line.source));
    await Promise.all(
      [...this.#lines.values()].map((line) => (ends(line) ? line.kill() : line[Symbol.asyncDispose]())),
    );
    this.#options.table.close(closed());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close('detached');
  }
}

function closed(): Fault {
  return new Fault('unavailable', 'the runtime is closed');
}
