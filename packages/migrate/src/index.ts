export { type ClientOf, type Migrated, type MigrateOptions, migrate } from './migrate.ts';
export type { Count, Step } from './report.ts';
