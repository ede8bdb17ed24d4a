import type { IncomingMessage } from 'node:http';
import { LOG_LEVELS, type LogLevel } from '../config/daemon-config.ts';
import { type DebugHandler, refuse, sendJson } from './exchange.ts';
import type { LevelSwitch } from './level-switch.ts';

const MOST_BYTES = 1024;

/** Tells and changes how much is logged. */
export function logLevel(level: LevelSwitch): Readonly<Record<string, DebugHandler>> {
  return {
    'GET /debug/log-level': async ({ res }) => sendJson(res, { level: level.level }),
    'PUT /debug/log-level': async ({ req, res }) => {
      const wanted = levelOf(await bodyOf(req));
      if (wanted === undefined) return refuse(res, 400, `expected one of ${LOG_LEVELS.join(', ')}`);
      level.set(wanted);
      sendJson(res, { level: level.level });
    },
  };
}

/** As `debug`, or as JSON: `"debug"` or `{"level": "debug"}`. */
function levelOf(text: string): LogLevel | undefined {
  let value: unknown = text.trim();
  try {
    value = JSON.parse(text);
  } catch {
    // A bare word.
  }
  const word = typeof value === 'object' ? (value as { level?: unknown } | null)?.level : value;
  return LOG_LEVELS.find((level) => level === word);
}

/** Its beginning, if it is longer than any level. */
async function bodyOf(req: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of req) {
    if (text.length < MOST_BYTES) text += String(chunk);
  }
  return text;
}
