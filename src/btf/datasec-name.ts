/**
 * The name of a DATASEC for a section: kernels before 6.7 take only identifiers, dots included, and a
 * section's name may have any character.
 */
export function datasecName(section: string): string {
  return section.replace(/[^A-Za-z0-9_.]/g, "_").replace(/^(?=[0-9])/, "_");
}
