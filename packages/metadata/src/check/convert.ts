import { create } from '@bufbuild/protobuf';
import {
  FindingSchema,
  type Finding as WireFinding,
  Severity as WireSeverity,
} from '@stowage/api/metadata/v1';
import type { Finding, FindingCode } from './finding.ts';

export function findingToWire({ severity, ...rest }: Finding): WireFinding {
  return create(FindingSchema, {
    ...rest,
    severity: severity === 'error' ? WireSeverity.ERROR : WireSeverity.NOTE,
  });
}

/** A severity of a later version counts as an error; a code of one is passed on. */
export function findingFromWire(wire: WireFinding = create(FindingSchema)): Finding {
  const { severity, code, subject, text, remedy } = wire;
  return {
    severity: severity === WireSeverity.NOTE ? 'note' : 'error',
    code: code as FindingCode,
    subject,
    text,
    remedy,
  };
}
