/** Text that is shown as it is. */
export class Line {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}
