/** Whether something settled within a time. */
export async function settlesWithin(timeMs: number, work: Promise<unknown>): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(() => late.resolve(false), timeMs);
  const settled = () => true;
  try {
    return await Promise.race([work.then(settled, settled), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
