import { useMemo, useState } from 'preact/hooks';
import type { Deeds, Question } from './deeds.ts';
import { reasonOf } from './rpc.ts';

interface Asked {
  readonly question: Question;
  readonly onAnswer: (isYes: boolean) => void;
}

export interface Said {
  readonly key: number;
  readonly text: string;
  readonly isError: boolean;
}

const MOST = 3;
const SHOWN_MS = 10_000;

/** The deeds of the page, with the question that is open and what was said last. */
export function useOwnDeeds(): {
  readonly deeds: Deeds;
  readonly asked: Asked | undefined;
  readonly said: readonly Said[];
  readonly dismiss: (key: number) => void;
} {
  const [asked, setAsked] = useState<Asked>();
  const [said, setSaid] = useState<readonly Said[]>([]);
  const deeds = useMemo(() => {
    let key = 0;
    const tell = (text: string, isError: boolean) => {
      key++;
      const one = { key, text, isError };
      setSaid((before) => [...before, one].slice(-MOST));
      // What went well shows otherwise too.
      if (!isError) setTimeout(() => setSaid((before) => before.filter((other) => other !== one)), SHOWN_MS);
    };
    const ask = (question: Question) =>
      new Promise<boolean>((settle) => {
        const onAnswer = (isYes: boolean) => {
          setAsked(undefined);
          settle(isYes);
        };
        setAsked({ question, onAnswer });
      });
    const attempt = async (name: string, work: () => Promise<string | undefined>) => {
      try {
        tell((await work()) ?? `${name}: done`, false);
      } catch (e) {
        tell(`${name}: ${reasonOf(e)}`, true);
      }
    };
    return { ask, attempt, say: (text: string) => tell(text, false) };
  }, []);
  const dismiss = (key: number) => setSaid((before) => before.filter((one) => one.key !== key));
  return { deeds, asked, said, dismiss };
}
