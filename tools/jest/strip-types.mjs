// Jest transformer: erases TypeScript types in place. Line and column numbers stay as they are, so no
// source map is needed; a sourceUrl would break V8 coverage.
import { stripTypeScriptTypes } from 'node:module';

export default {
  process: (source) => ({ code: stripTypeScriptTypes(source, { mode: 'strip' }) }),
};
