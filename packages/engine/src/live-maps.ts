import type { Plugin, Slot } from '@stowage/core';
import { fits } from './graph.ts';

/** The maps that plugins were given for needs that are `live`. */
export class LiveMaps {
  readonly #maps: Array<{ readonly slot: Slot<unknown>; readonly map: Map<string, unknown> }> = [];

  /** @param up - those there are now, by id. */
  make(slot: Slot<unknown>, up: ReadonlyArray<readonly [string, unknown]>): ReadonlyMap<string, unknown> {
    const map = new Map(up);
    this.#maps.push({ slot, map });
    return map;
  }

  put(plugin: Plugin, value: unknown): void {
    for (const map of this.#of(plugin)) map.set(plugin.id, value);
  }

  drop(plugin: Plugin): void {
    for (const map of this.#of(plugin)) map.delete(plugin.id);
  }

  #of(plugin: Plugin): Array<Map<string, unknown>> {
    return this.#maps.filter(({ slot }) => fits(plugin, slot)).map(({ map }) => map);
  }
}
