import { fileURLToPath } from 'node:url';
import { longOnly } from './tools/test/long-only.mjs';

export default {
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['stowage-source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json', 'node'],
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: process.env.STOWAGE_LONG === '1' ? [] : longOnly,
  // What the compiler copies there has the names of what it was copied from.
  modulePathIgnorePatterns: ['<rootDir>/dist/tsc/'],
  transform: { '\\.ts$': fileURLToPath(new URL('tools/jest/strip-types.mjs', import.meta.url)) },
  reporters: ['default', fileURLToPath(new URL('tools/jest/tally.mjs', import.meta.url))],
  testTimeout: 30_000,
};
