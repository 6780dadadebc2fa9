/** What `wasm/assembly/` prints as it stands, by the names that it has there. */
export const cTexts = {
  structText: "struct",
  unionText: "union",
  enumText: "enum",
  voidText: "void",
  constText: "const",
  volatileText: "volatile",
  restrictText: "restrict",
  typedefText: "typedef ",
  openText: " {",
  equalsText: " = ",
  endText: ";\n\n",
  packedText: " __attribute__((packed))",
  byteModeText: " __attribute__((mode(byte)))",
  wordModeText: " __attribute__((mode(word)))",
  signedSuffix: "LL",
  unsignedSuffix: "ULL",
  attributeText: " __attribute__((",
  attributeEnd: "))",
  typeTagText: ' __attribute__((btf_type_tag("',
  typeTagEnd: '")))',
  noParametersText: "(void)",
  moreParametersText: "...",
  separatorText: ", ",
  useText: "___",
  longText: "long",
  intText: "int",
  shortText: "short",
  charText: "char",
  externText: "extern ",
  fastExternText: "extern __bpf_fastcall ",
  kfuncEnd: " __weak __ksym;\n",
  builtinVaListAsGnuc: "__builtin_va_list __gnuc_va_list",
} as const;

/** Names with a meaning of their own. */
export const cNames = {
  kfuncTag: "bpf_kfunc",
  fastCallTag: "bpf_fastcall",
  /** Compilers know these two; in BTF they are names for void. */
  builtinVaListName: "__builtin_va_list",
  gnucVaListName: "__gnuc_va_list",
} as const;

/** Types of Arm's vectors that a compiler has built in under other names, and what they are. */
export const cAliases: readonly (readonly [name: string, meaning: string])[] = [
  ["__Poly8_t", "unsigned char "],
  ["__Poly16_t", "unsigned short "],
  ["__Poly64_t", "unsigned long long "],
  ["__Poly128_t", "unsigned __int128 "],
];
