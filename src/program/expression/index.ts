export { evaluate, evaluateType } from "./evaluate.ts";
export { caretLines, ExpressionError } from "./expression-error.ts";
export { complete } from "./complete.ts";
export { type ExpressionNames, expressionNames } from "./expression-names.ts";
