import { createContext } from 'preact';
import { useContext } from 'preact/hooks';

/** Something that is done only if somebody says so. */
export interface Question {
  readonly title: string;
  /** What comes of it. */
  readonly text: string;
  /** On the button. */
  readonly answer: string;
}

/** How what is shown does things, and tells of it. */
export interface Deeds {
  /** Asks in a dialog. @returns whether it is to be done. */
  ask(question: Question): Promise<boolean>;
  /** Says something that everybody is to hear of, also who does not see the page. */
  say(text: string): void;
  /**
   * Does something, and says so, or how it failed.
   *
   * @param name - as in `Remove web`.
   */
  attempt(name: string, work: () => Promise<string | undefined>): Promise<void>;
}

export const DeedsContext = createContext<Deeds | undefined>(undefined);

export function useDeeds(): Deeds {
  const deeds = useContext(DeedsContext);
  if (deeds === undefined) throw new Error('nothing can be done outside of the page');
  return deeds;
}
