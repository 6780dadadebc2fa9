export { compareTypes, type TypeAgreement } from "./agreement.ts";
export { readBtfFile, readDistilledBase } from "./btf-file.ts";
export { openSidecar, type Sidecar, type SidecarSubject } from "./sidecar.ts";
export { firstMisfit, typeByteSize } from "./variable-sizes.ts";
