import { type Inputs, useEffect, useState } from 'preact/hooks';
import { isCode, reasonOf } from './rpc.ts';

/** Whether anybody sees the page. One that nobody sees asks for nothing: browsers open few connections to one place. */
export function useVisible(): boolean {
  const [isVisible, setVisible] = useState(!document.hidden);
  useEffect(() => {
    const changed = () => setVisible(!document.hidden);
    document.addEventListener('visibilitychange', changed);
    return () => document.removeEventListener('visibilitychange', changed);
  }, []);
  return isVisible;
}

export interface Loaded<T> {
  /** What was there last; undefined before it is. */
  readonly value: T | undefined;
  readonly error: string | undefined;
  /** Whether the daemon has nothing of the kind. */
  readonly isUnknown: boolean;
}

/** Asks for something, and asks anew when an input changes, a moment later: many changes may come at once. */
export function useLoaded<T>(
  load: (signal: AbortSignal) => Promise<T>,
  inputs: Inputs,
  pauseMs = 100,
): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>({ value: undefined, error: undefined, isUnknown: false });
  useEffect(() => {
    const left = new AbortController();
    const ask = async () => {
      try {
        const value = await load(left.signal);
        if (!left.signal.aborted) setLoaded({ value, error: undefined, isUnknown: false });
      } catch (e) {
        if (!left.signal.aborted)
          setLoaded(({ value }) => ({ value, error: reasonOf(e), isUnknown: isCode(e, 'unimplemented') }));
      }
    };
    const timer = setTimeout(() => void ask(), pauseMs);
    return () => {
      clearTimeout(timer);
      left.abort();
    };
  }, inputs);
  return loaded;
}

/** Counts up, so often, while somebody looks. */
export function useTick(periodMs: number, isVisible: boolean): number {
  const [tick, setTick] = useState(0);
  useEffect(() => {
    if (!isVisible) return undefined;
    const timer = setInterval(() => setTick((n) => n + 1), periodMs);
    return () => clearInterval(timer);
  }, [periodMs, isVisible]);
  return tick;
}
