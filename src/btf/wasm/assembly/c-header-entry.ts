export { defineAll } from "./definitions";
export { queueAll, queuedCount } from "./dependencies";
export { kfuncCount, putKfunc } from "./kfuncs";
export { nameId } from "./names";
export { sortFirstRoots, sortLastRoots } from "./roots";
export { usePointersOf } from "./sizes";
export { survey } from "./survey";
export { flush, putText } from "./text";
