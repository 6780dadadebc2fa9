export { type ReplOptions, type ReplStreams, startRepl } from "./start-repl.ts";
export { type ObjectView, viewOf } from "./object-view.ts";
