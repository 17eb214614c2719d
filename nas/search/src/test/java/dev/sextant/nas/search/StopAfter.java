package dev.sextant.nas.search;

import dev.sextant.nas.provider.Progress;

/** Throws at a step, as whatever ends a run on its way. */
public final class StopAfter implements Progress {
  private int left;

  /** At that step, from 1. */
  public StopAfter(int step) {
    left = step;
  }

  /** What it throws. */
  public static final class Stopped extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  @Override
  public void step(String stage, long done, long steps, String status, long peakBytes) {
    if (--left == 0) {
      throw new Stopped();
    }
  }

  @Override
  public void message(String text) {}
}
