/** Physical addresses end here: no machine has more bits. */
export const physicalLimit: number = 2 ** 52;
