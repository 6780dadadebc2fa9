export { putQuoted } from "./quoted";
export { print } from "./records";
