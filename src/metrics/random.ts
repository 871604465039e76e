/**
 * A seeded generator of 32-bit numbers (sfc32, Chris Doty-Humphrey's Small Fast Counter): the same seed
 * gives the same numbers on every machine.
 */
export function seededRandom(seed: number): () => number {
  let a = 0x9e3779b9;
  let b = 0x243f6a88;
  let c = seed | 0;
  let counter = 1;
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  };
  // The first numbers still show the seed.
  for (let i = 0; i < 20; i++) next();
  return next;
}
