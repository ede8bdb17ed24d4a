import { type Inputs, useEffect, useRef, useState } from 'preact/hooks';
import { Asking } from './asking.ts';
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

/**
 * Asks for something, and anew a moment after an input changes. However often that is, it is asked for no more than so
 * often, one at a time, and shown each time. Who shows something else altogether is given another key.
 */
export function useLoaded<T>(
  load: (signal: AbortSignal) => Promise<T>,
  inputs: Inputs,
  pauseMs = 100,
): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>({ value: undefined, error: undefined, isUnknown: false });
  const latest = useRef(load);
  latest.current = load;
  const [asking, setAsking] = useState<Asking>();
  useEffect(() => {
    const made = new Asking(pauseMs, async (signal) => {
      try {
        const value = await latest.current(signal);
        if (!signal.aborted) setLoaded({ value, error: undefined, isUnknown: false });
      } catch (e) {
        if (!signal.aborted)
          setLoaded(({ value }) => ({ value, error: reasonOf(e), isUnknown: isCode(e, 'unimplemented') }));
      }
    });
    setAsking(made);
    return () => made.stop();
  }, []);
  useEffect(() => asking?.again(), [asking, ...inputs]);
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
