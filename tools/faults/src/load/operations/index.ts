import type { Operation } from '../operation.ts';
import { containerOperations } from './containers.ts';
import { contentOperations } from './content.ts';
import { imageOperations } from './images.ts';
import { leaseOperations } from './leases.ts';
import { namespaceOperations } from './namespaces.ts';
import { snapshotOperations } from './snapshots.ts';

/** All that clients do. */
export const operations: readonly Operation[] = [
  ...namespaceOperations,
  ...leaseOperations,
  ...contentOperations,
  ...imageOperations,
  ...snapshotOperations,
  ...containerOperations,
];
