import { Fault, quote } from '@stowage/core';
import type { Admit, PeerRule } from '@stowage/rpc/server';
import type { AccessConfig } from './config/access.ts';

/** Services that tell or change nothing that is anybody's, for everyone. */
const HARMLESS = new Set([
  'containerd.services.version.v1.Version',
  'containerd.services.introspection.v1.Introspection',
  'grpc.health.v1.Health',
]);

/** Services whose calls concern what is in the caller's namespace, and that alone. */
const NAMESPACED = new Set([
  ...['containers', 'content', 'diff', 'images', 'leases', 'snapshots', 'streaming', 'tasks', 'transfer'],
  ...['sandbox', 'mounts'],
]);

/** What somebody may call, by the rules that are about them. Undefined: anything. */
export function ruleOf(access: AccessConfig, who: readonly string[]): PeerRule | undefined {
  if (who.includes('uid:0')) return undefined;
  const namespaces = new Set(who.flatMap((one) => access.get(one) ?? []));
  if (namespaces.has('*')) return undefined;
  const names = [...namespaces].sort();
  return { key: names.join(' '), admit: admitTo(names, who.join(', ')) };
}

function admitTo(names: readonly string[], who: string): Admit {
  const may = names.length === 0 ? 'no namespace' : `namespace ${names.join(', ')}`;
  return (call) => {
    const { method } = call;
    const service = method.parent.typeName;
    if (HARMLESS.has(service)) return;
    const what = `${service}/${method.name}`;
    const [, name = ''] = /^containerd\.services\.(\w+)\./.exec(service) ?? [];
    if (!NAMESPACED.has(name)) {
      throw new Fault(
        'permission_denied',
        `${what}: it concerns all namespaces, and ${who} may use ${may} only`,
      );
    }
    const namespace = call.requestField('containerd-namespace') ?? '';
    if (names.includes(namespace)) return;
    throw new Fault('permission_denied', `${what}: ${who} may use ${may}, not ${quote(namespace)}`);
  };
}
