/** vitest's setupFiles: before every file of unit tests. */
import fc from "fast-check";
import { testSeed } from "../build/seed.ts";

fc.configureGlobal({ seed: testSeed });
