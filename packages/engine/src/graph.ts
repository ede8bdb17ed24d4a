import {
  type AllNeed,
  Fault,
  type LiveNeed,
  type Need,
  type OptionalNeed,
  type Plugin,
  pluginHostSlot,
  pluginListSlot,
  type Slot,
} from '@stowage/core';

/** A plugin and what it will be given, found before anything starts. */
export interface Node {
  readonly plugin: Plugin;
  /** By name of the need: the nodes that fill it; none for what the engine fills itself. */
  readonly fillers: ReadonlyMap<string, { readonly need: Need<unknown>; readonly nodes: readonly Node[] }>;
}

/** `type.id`, as containerd writes the name of a plugin. */
export function nameOf(plugin: { readonly slot: { readonly type: string }; readonly id: string }): string {
  return `${plugin.slot.type}.${plugin.id}`;
}

export function slotOf(need: Need<unknown>): Slot<unknown> {
  if ('all' in need) return (need as AllNeed<unknown>).all;
  if ('live' in need) return (need as LiveNeed<unknown>).live;
  if ('optional' in need) return (need as OptionalNeed<unknown>).optional;
  return need;
}

/** Whether the engine itself is what fills a slot. */
export function isOfEngine({ type }: Slot<unknown>): boolean {
  return type === pluginListSlot.type || type === pluginHostSlot.type;
}

export function fits(plugin: Pick<Plugin, 'slot' | 'id'>, slot: Slot<unknown>): boolean {
  return plugin.slot.type === slot.type && (slot.id === undefined || plugin.id === slot.id);
}

/**
 * Orders plugins so that each comes after what it needs.
 *
 * @throws Fault `failed_precondition` for a missing or ambiguous need or another version of a slot, naming both
 *   ends; for a cycle, naming its members; `invalid_argument` for two plugins of one name.
 */
export function resolve(plugins: readonly Plugin[]): Node[] {
  const names = new Set<string>();
  for (const plugin of plugins) {
    if (names.has(nameOf(plugin)))
      throw new Fault('invalid_argument', `plugin ${nameOf(plugin)} is listed twice`);
    names.add(nameOf(plugin));
  }
  const order: Node[] = [];
  const done = new Map<Plugin, Node>();
  const path: Plugin[] = [];

  const visit = (plugin: Plugin): Node => {
    const ready = done.get(plugin);
    if (ready !== undefined) return ready;
    if (path.includes(plugin)) {
      const cycle = [...path.slice(path.indexOf(plugin)), plugin].map(nameOf).join(' needs ');
      throw new Fault('failed_precondition', `plugins need each other in a circle: ${cycle}`);
    }
    path.push(plugin);
    const fillers = new Map<string, { need: Need<unknown>; nodes: Node[] }>();
    for (const [name, need] of Object.entries(plugin.needs ?? {})) {
      fillers.set(name, { need, nodes: candidates(plugin, need).map(visit) });
    }
    path.pop();
    const node: Node = { plugin, fillers };
    done.set(plugin, node);
    order.push(node);
    return node;
  };

  const candidates = (plugin: Plugin, need: Need<unknown>): Plugin[] => {
    const slot = slotOf(need);
    if (isOfEngine(slot)) return [];
    const found = plugins.filter((p) => fits(p, slot));
    for (const p of found) {
      if (p.slot.api === slot.api) continue;
      throw new Fault(
        'failed_precondition',
        `plugin ${nameOf(plugin)} needs version ${slot.api} of ${slot.type}, ${nameOf(p)} offers version ${p.slot.api}`,
      );
    }
    if ('all' in need || 'live' in need) return found;
    const wanted = slot.id === undefined ? slot.type : `${slot.type}.${slot.id}`;
    if (found.length > 1) {
      const several = found.map(nameOf).join(', ');
      throw new Fault(
        'failed_precondition',
        `plugin ${nameOf(plugin)} needs one ${wanted}, there are: ${several}`,
      );
    }
    if (found.length === 0 && !('optional' in need)) {
      throw new Fault(
        'failed_precondition',
        `plugin ${nameOf(plugin)} needs ${wanted}, which no plugin offers`,
      );
    }
    return found;
  };

  for (const plugin of plugins) visit(plugin);
  return order;
}
