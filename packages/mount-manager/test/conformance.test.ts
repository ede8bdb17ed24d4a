import { describe, test } from '@jest/globals';
import { cases } from './cases/index.ts';
import { forms } from './forms.ts';
import { inWorkplace } from './workplace.ts';

describe.each(forms)('mount manager: $name', (form) => {
  test.each(cases)('$id', async ({ run }) => {
    await inWorkplace(async (at) => {
      let opened = await form.open(at.path);
      try {
        await run({
          at,
          mounts: () => opened.mounts,
          async reopen() {
            await opened[Symbol.asyncDispose]();
            opened = await form.open(at.path);
          },
        });
      } finally {
        await opened[Symbol.asyncDispose]();
      }
    });
  });
});
