import type { Operation, Part } from '@stowage/operations';
import type { Listing } from '../../listing.ts';
import { styleOfState } from '../../screen.ts';
import { formatAge, formatSize } from '../../table.ts';

export const OPERATIONS: Listing<Operation> = {
  fields: [
    { name: 'ID', heading: 'ID', text: ({ id }) => id },
    { name: 'Namespace', heading: 'NAMESPACE', text: ({ namespace }) => namespace || '-' },
    { name: 'Kind', heading: 'KIND', text: ({ kind }) => kind },
    { name: 'Subject', heading: 'SUBJECT', text: ({ subject }) => subject || '-' },
    {
      name: 'State',
      heading: 'STATE',
      text: ({ state }) => state,
      style: ({ state }) => styleOfState(state),
    },
    { name: 'Phase', heading: 'PHASE', text: phaseOf },
    { name: 'PartsDone', heading: 'PARTS', text: partsOf },
    {
      name: 'Progress',
      heading: 'PROGRESS',
      text: (operation) => operation.error?.message ?? progressOf(operation),
    },
    { name: 'StartedSince', heading: 'STARTED', text: ({ startedAt }) => formatAge(startedAt) },
    { name: 'StartedBy', heading: 'BY', text: ({ startedBy }) => startedBy },
  ],
  json: (operation) => ({ endedAt: undefined, error: undefined, ...operation }),
  name: ({ id }) => id,
};

/** What is shown of one, for a line of its own. */
export function cells(operation: Operation): string[] {
  return OPERATIONS.fields.map(({ text }) => text(operation));
}

function phaseOf({ state, phases }: Operation): string {
  return state === 'running' ? (phases.at(-1)?.name ?? '') : '';
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
