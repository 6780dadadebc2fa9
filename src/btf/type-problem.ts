/** What a check of one type found: the rule broken and the word of the record it is about. */
export interface TypeProblem {
  rule: string;
  text: string;
  /** Word of the record; 0 by default. */
  word?: number;
}
