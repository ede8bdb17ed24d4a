import { access, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '@stowage/testing';

export type Verb = 'create' | 'start' | 'exec' | 'kill' | 'delete';

/** What every container goes through. */
export const LIFE: readonly Verb[] = ['create', 'start', 'exec', 'delete'];

/**
 * What a runc does instead of its work: `fail`s before it or `fail-after` it, `pause`s for some seconds before it or
 * `linger`s after it, `stop`s itself before it as SIGSTOP does, or is killed (`die`) some seconds into it.
 */
export type Order = 'fail' | 'fail-after' | 'stop' | `${'pause' | 'linger' | 'die'} ${number}`;

/** A program in place of runc. It is runc, unless there is an order for its next run with some verb and container. */
export class RuncScript {
  readonly path: string;
  readonly #orders: string;

  private constructor(dir: string) {
    this.path = join(dir, 'runc');
    this.#orders = join(dir, 'orders');
  }

  static async make(dir: string): Promise<RuncScript> {
    const script = new RuncScript(dir);
    await mkdir(script.#orders);
    await writeFile(script.path, text(script.#orders), { mode: 0o755 });
    return script;
  }

  /** For the next run with this verb for this container; it holds for one. */
  async order(verb: Verb, containerId: string, order: Order): Promise<void> {
    const file = this.#file(verb, containerId);
    await writeFile(`${file}.new`, `${order}\n`);
    await rename(`${file}.new`, file);
  }

  /** Waits until the order is followed. @returns the pid of that runc. */
  async follower(verb: Verb, containerId: string): Promise<number> {
    const file = `${this.#file(verb, containerId)}.pid`;
    await until(`runc ${verb} ${containerId} to be run`, () =>
      access(file).then(
        () => true,
        () => false,
      ),
    );
    return Number(await readFile(file, 'utf8'));
  }

  #file(verb: Verb, containerId: string): string {
    return join(this.#orders, `${verb}.${containerId}`);
  }
}

// Its arguments: --root R --log L --log-format json VERB … ID, and for kill a signal behind that.
function text(orders: string): string {
  return `#!/bin/sh
verb=$7
for id; do :; done
if [ "$verb" = kill ]; then eval "id=\\\${$(($# - 1))}"; fi
order="${orders}/$verb.$id"
if [ -e "$order" ] && mv "$order" "$order.taken" 2>/dev/null; then
  read -r action seconds < "$order.taken"
  echo $$ > "$order.pid.new"
  mv "$order.pid.new" "$order.pid"
  case $action in
    fail) exit 1 ;;
    fail-after) runc "$@"; exit 1 ;;
    stop) kill -STOP $$ ;;
    pause) sleep "$seconds" ;;
    linger) runc "$@"; code=$?; sleep "$seconds"; exit $code ;;
    die)
      runc "$@" <&0 &
      sleep "$seconds"
      kill -KILL $! 2>/dev/null
      wait $! 2>/dev/null
      exit
      ;;
  esac
fi
exec runc "$@"
`;
}
