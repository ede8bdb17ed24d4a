/** Bytes over a stream of messages, no more on their way than the receiver has granted. */
export { MAX_DATA_BYTES, WINDOW_BYTES } from './messages.ts';
export { receiveBytes } from './receive-bytes.ts';
export { sendBytes } from './send-bytes.ts';
