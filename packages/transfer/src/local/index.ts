export type { TransferLimits, UnpackRule } from './limits.ts';
export { type LocalTransfersOptions, localTransfers } from './local-transfers.ts';
