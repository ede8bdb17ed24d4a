export type { ContainerActions } from './actions.ts';
export { isLoopback, type ListenAddress, parseListenAddress } from './address.ts';
export { builtPage } from './built-page.ts';
export { serveUi, type UiOptions, type UiServer } from './server.ts';
