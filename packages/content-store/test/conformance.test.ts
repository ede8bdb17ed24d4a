import { describe, test } from '@jest/globals';
import { contentConformance } from '@stowage/content-conformance';
import { LocalContentStore } from '@stowage/content-store';

contentConformance(
  {
    name: 'LocalContentStore',
    capabilities: new Set(['truncate', 'reopen']),
    open: (root) => LocalContentStore.open(root),
  },
  { describe, test, skip: test.skip },
);
