import { defineConfig } from "vitest/config";
import { assemblyScript } from "./scripts/assemblyscript.mjs";

export default defineConfig({
  test: {
    projects: [
      {
        plugins: [assemblyScript()],
        test: {
          name: "unit",
          include: ["src/**/*.test.ts", "test/unit/**/*.test.ts"],
          setupFiles: ["test/unit/setup.ts"],
          testTimeout: 60_000,
        },
      },
      {
        plugins: [assemblyScript()],
        test: {
          name: "lab",
          include: ["test/lab/**/*.test.ts"],
          testTimeout: 1_200_000,
          hookTimeout: 1_200_000,
          // A guest is one busy processor, and most of the rest runs one program at a time.
          maxWorkers: 2,
          globalSetup: ["test/lab/setup.ts"],
        },
      },
    ],
  },
});
