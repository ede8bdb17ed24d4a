/** Does something for every number below `count`, so many at a time. */
export async function inFlight(
  count: number,
  width: number,
  work: (n: number, lane: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const lane = async (at: number) => {
    for (let n = next++; n < count; n = next++) await work(n, at);
  };
  await Promise.all(Array.from({ length: width }, (_, at) => lane(at)));
}
