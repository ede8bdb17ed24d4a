import { abortable, type CallOptions, Fault, type Scope, validateIdentifier } from '@stowage/core';
import type { CreateTask, ProcessState, TaskService } from '@stowage/runtime';
import type { SupervisorContext } from './context.ts';
import { SupervisedTasks } from './supervised-tasks.ts';
import { Task } from './task.ts';

/** All tasks of a supervisor, of all namespaces. */
export class TaskRegistry {
  readonly #context: SupervisorContext;
  readonly #tasks = new Map<string, Task>();
  /** Being made; not there yet for anybody else. */
  readonly #making = new Map<string, Promise<Task>>();

  constructor(context: SupervisorContext) {
    this.#context = context;
  }

  readonly scope = ({ namespace }: Scope): TaskService => {
    if (namespace === '') throw new Fault('failed_precondition', 'namespace is required');
    validateIdentifier(namespace, 'namespace');
    return new SupervisedTasks(this.#context, this, namespace);
  };

  get size(): number {
    return this.#tasks.size + this.#making.size;
  }

  /** @throws Fault `not_found` */
  get(namespace: string, id: string): Task {
    const task = this.#tasks.get(keyOf(namespace, id));
    if (task === undefined)
      throw new Fault('not_found', `task ${id}: there is none in namespace ${namespace}`);
    return task;
  }

  /** @throws Fault `already_exists` */
  async create(namespace: string, request: CreateTask, options: CallOptions): Promise<Task> {
    validateIdentifier(request.id, 'container id');
    const key = keyOf(namespace, request.id);
    if (this.#tasks.has(key) || this.#making.has(key)) {
      throw new Fault('already_exists', `create task ${request.id}: there is one in namespace ${namespace}`);
    }
    const made = this.#make(key, namespace, request, options);
    this.#making.set(key, made);
    return made.finally(() => this.#making.delete(key));
  }

  /**
   * Settles when nobody is making the task any more. Whoever gave up a creation and deletes what came of it must find
   * that.
   */
  async settled(namespace: string, id: string, { signal }: CallOptions): Promise<void> {
    const making = this.#making.get(keyOf(namespace, id));
    if (making === undefined) return;
    await abortable(
      making.then(
        () => {},
        () => {},
      ),
      signal,
    );
  }

  async #make(key: string, namespace: string, request: CreateTask, options: CallOptions): Promise<Task> {
    const { namespaceCgroups, undoings } = this.#context;
    namespaceCgroups.add(namespace);
    try {
      await undoings.finish({ namespace, id: request.id });
      using _ = await namespaceCgroups.making();
      const task = await Task.prepare(this.#context, namespace, request);
      await task.make(options);
      this.#tasks.set(key, task);
      return task;
    } catch (e) {
      namespaceCgroups.remove(namespace);
      throw e;
    }
  }

  /** Takes in the task of an earlier supervisor. */
  adopt(task: Task): void {
    this.#context.namespaceCgroups.add(task.facts.namespace);
    this.#tasks.set(keyOf(task.facts.namespace, task.facts.id), task);
  }

  remove(task: Task): void {
    const { namespace, id } = task.facts;
    if (this.#tasks.delete(keyOf(namespace, id))) this.#context.namespaceCgroups.remove(namespace);
  }

  all(): Task[] {
    return [...this.#tasks.values()];
  }

  *states(): Generator<{ namespace: string; state: ProcessState; outOfMemory: boolean }> {
    for (const task of this.#tasks.values()) {
      const { namespace } = task.facts;
      const { outOfMemory } = task.init;
      yield { namespace, state: task.state(task.init), outOfMemory };
      for (const [execId, exec] of task.execs) {
        const { outOfMemory } = exec;
        yield { namespace, state: task.state(exec, execId), outOfMemory };
      }
    }
  }
}

/** A namespace is an identifier, so it holds no slash. */
const keyOf = (namespace: string, id: string): string => `${namespace}/${id}`;
