export { type Task, TaskReader, taskStateLetter } from "./sched.ts";
