import { create, type MessageInitShape } from '@bufbuild/protobuf';
import * as wire from '@stowage/api/gc/v1';
import { kindFromWire, objectFromWire, objectToWire } from './convert.ts';
import type { Usage, UsageOf } from './inspector.ts';

export function usageToWire({ of, ...sums }: Usage): wire.Usage {
  return create(wire.UsageSchema, { ...sums, of: ofToWire(of) });
}

export function usageFromWire({ of, $typeName: _, $unknown: __, ...sums }: wire.Usage): Usage {
  return { of: ofFromWire(of), ...sums };
}

function ofToWire(of: UsageOf): NonNullable<MessageInitShape<typeof wire.UsageSchema>['of']> {
  switch (of.type) {
    case 'total':
      return { case: undefined };
    case 'namespace':
      return { case: 'namespace', value: of.namespace };
    case 'kind':
      return { case: 'kind', value: of.kind };
    case 'object':
      return { case: 'object', value: objectToWire(of.object) };
  }
}

function ofFromWire(of: wire.Usage['of']): UsageOf {
  switch (of.case) {
    case undefined:
      return { type: 'total' };
    case 'namespace':
      return { type: 'namespace', namespace: of.value };
    case 'kind':
      return { type: 'kind', kind: kindFromWire(of.value) };
    case 'object':
      return { type: 'object', object: objectFromWire(of.value) };
  }
}
