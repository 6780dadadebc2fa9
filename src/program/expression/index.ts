export { evaluate, evaluateType } from "./evaluate.ts";
export { caretLines, ExpressionError } from "./expression-error.ts";
export { complete, type Completions } from "./complete.ts";
