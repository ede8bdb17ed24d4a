export { Embedded, type EmbeddedOptions } from './embedded.ts';
