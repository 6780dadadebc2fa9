import { FaultError } from "../io/index.ts";
import { type Frame, frame, maximumFrames } from "./frame.ts";
import { guessFrames } from "./guess.ts";
import { StackPath } from "./regions.ts";
import { type StackWalker, WalkProblem, type WalkStart } from "./walk.ts";

/** Frames between two looks at the clock. */
const framesPerLook = 64;

/** One walk up a stack: what does not differ between architectures, and that every walk ends. */
export abstract class FrameWalk {
  protected readonly frames: Frame[] = [];
  protected readonly start: WalkStart;
  protected readonly path: StackPath;
  /** Of the frame that the walk is at. */
  protected pc = 0n;
  protected sp = 0n;
  protected fp = 0n;
  readonly #walker: StackWalker;

  constructor(walker: StackWalker, start: WalkStart) {
    this.#walker = walker;
    this.start = start;
    this.path = new StackPath(start.regions);
  }

  /** Go to the caller and note it; false at the end of the stack. @throws {WalkProblem} {@link FaultError} */
  protected abstract step(): boolean;

  /** What the first frame needs before {@link step}. @throws {WalkProblem} {@link FaultError} */
  protected begin(): void {}

  /** Called before a break is noted. */
  protected beforeBreak(): void {}

  /** From the registers that the walk starts with, taken already, to the end of the stack or a break. */
  protected walkOn(): Frame[] {
    const lost = this.path.enter(this.sp);
    this.push("exact", { registers: this.start.registers });
    if (lost !== undefined) return this.#break(lost);
    try {
      this.begin();
      while (this.step()) {
        if (this.frames.length >= maximumFrames) return this.#break(`more than ${maximumFrames} frames`);
        if (this.frames.length % framesPerLook === 0 && this.#isLate()) return this.#break("the deadline");
      }
    } catch (error) {
      if (error instanceof WalkProblem || error instanceof FaultError) return this.#break(error.message);
      throw error;
    }
    return this.frames;
  }

  protected push(kind: Frame["kind"], more: Partial<Frame>): void {
    const stack = kind === "user" ? "task" : this.path.kind;
    const place = { stackPointer: this.sp, framePointer: this.fp };
    this.frames.push(frame(this.pc, kind, stack, { ...place, ...more }));
  }

  #isLate(): boolean {
    const { deadline } = this.start;
    return deadline !== undefined && Date.now() > deadline;
  }

  /** End with a mark that says why, and what else may have been on the stack. */
  #break(problem: string): Frame[] {
    this.beforeBreak();
    this.push("broken", { problem });
    const { region } = this.path;
    if (region !== undefined && !this.#isLate())
      this.frames.push(...guessFrames(this.#walker, region, this.sp));
    return this.frames;
  }
}
