/**
 * What every choice of test input follows from: the same in every run, so that a change passes or fails for
 * what it is. To look for inputs that nobody thought of, give another: `DWARFLESS_TEST_SEED=7 npm run test:unit`.
 */
export const testSeed: number = readSeed(process.env["DWARFLESS_TEST_SEED"]);

function readSeed(text = "0"): number {
  const seed = Number(text);
  if (text === "" || !Number.isInteger(seed) || seed < 0 || seed > 0x7fff_ffff)
    throw new Error(`DWARFLESS_TEST_SEED: ${text} is not a whole number from 0 to 2147483647`);
  return seed;
}
