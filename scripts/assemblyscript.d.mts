import type { Plugin } from "rolldown";

export declare function assemblyScript(): Plugin;
