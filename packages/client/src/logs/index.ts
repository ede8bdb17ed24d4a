export { type LogLine, linesOf } from './lines.ts';
export { Notice } from './notice.ts';
export { LOG_LABEL, logPath } from './place.ts';
export { isRecorded, openLog, type ReadLogOptions, readLog } from './read.ts';
export { hasRecords, type LogRecord } from './record.ts';
