import type { Operation, Part } from '@stowage/operations';
import { formatAge, formatSize } from '../../table.ts';

export const COLUMNS = [
  'ID',
  'NAMESPACE',
  'KIND',
  'SUBJECT',
  'STATE',
  'PHASE',
  'PARTS',
  'PROGRESS',
  'STARTED',
  'BY',
] as const;

export function cells(operation: Operation, now = new Date()): string[] {
  const { id, namespace, kind, subject, state, phases, startedAt, startedBy, error } = operation;
  const phase = state === 'running' ? (phases.at(-1)?.name ?? '') : '';
  return [
    ...[id, namespace || '-', kind, subject || '-', state],
    ...[phase, partsOf(operation), error?.message ?? progressOf(operation)],
    ...[formatAge(startedAt, now), startedBy],
  ];
}

const isDone = ({ state }: Part) => state !== 'waiting' && state !== 'running';

function partsOf({ parts, hasMoreParts }: Operation): string {
  if (parts.length === 0) return '';
  return `${parts.filter(isDone).length}/${parts.length}${hasMoreParts ? '+' : ''}`;
}

/** Of an archive it is not known how much there is. */
function progressOf({ parts }: Operation): string {
  if (parts.length === 0) return '';
  let [done, total] = [0n, 0n];
  for (const part of parts) {
    done += part.bytesDone;
    total += part.bytesTotal > part.bytesDone ? part.bytesTotal : part.bytesDone;
  }
  return parts.some(({ bytesTotal }) => bytesTotal > 0n)
    ? `${formatSize(done)} / ${formatSize(total)}`
    : formatSize(done);
}
