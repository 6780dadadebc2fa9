export { type ReplOptions, type ReplStreams, startRepl } from "./start-repl.ts";
export { type ObjectView, viewOf } from "./object-view.ts";
export type { ReplCommand } from "./commands.ts";
