export { type LocalOperationsOptions, localOperations } from './local-operations.ts';
