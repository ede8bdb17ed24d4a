import { type Timestamp, timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';

/** A Timestamp's Date, or undefined where the field is not set. */
export function dateOf(timestamp: Timestamp | undefined): Date | undefined {
  return timestamp === undefined ? undefined : timestampDate(timestamp);
}

/** A Date's Timestamp, or undefined. */
export function timestampOf(date: Date): Timestamp;
export function timestampOf(date: Date | undefined): Timestamp | undefined;
export function timestampOf(date: Date | undefined): Timestamp | undefined {
  return date === undefined ? undefined : timestampFromDate(date);
}
