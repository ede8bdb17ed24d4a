import { describe, test } from '@jest/globals';
import { contentConformance, damageIn } from '@stowage/content-conformance';
import { LocalContentStore } from '@stowage/content-store';

contentConformance(
  {
    name: 'LocalContentStore',
    capabilities: new Set(['truncate', 'reopen', 'verify']),
    async open(root) {
      const store = await LocalContentStore.open(root);
      return Object.assign(store, { verifier: store, damage: damageIn(root) });
    },
  },
  { describe, test, skip: test.skip },
);
