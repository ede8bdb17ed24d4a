export { LocalMountManager, type LocalMountManagerOptions } from './local-mount-manager.ts';
export { LoopHandler } from './loop-handler.ts';
