package dev.sextant.runtime;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Where each buffer of a program lies in one block of memory, so that buffers which are never live
 * at once share it.
 *
 * @param offsets of each buffer, in elements
 * @param size of the block, in elements
 */
record BufferPlan(int[] offsets, int size) {
  /** Buffers start on multiples of a cache line. */
  private static final int LINE = 16;

  /** The steps from which and to which a buffer is live, both inclusive; the input's is from -1. */
  private record Life(int buffer, int size, int first, int last) {
    boolean meets(Life other) {
      return first <= other.last && other.first <= last;
    }
  }

  /**
   * The smallest of four greedy plans, each placing every buffer in the first gap that is free for
   * its whole life: the largest buffer first or the first used first (Pisarchyk and Lee, 2020),
   * from the start of the block or, by turns along the chain, from its start and its end. A layer's
   * input and output then lie at opposite ends, and on a chain of layers one of the plans reaches
   * {@link #bound}.
   */
  static BufferPlan reusing(Program program) {
    List<Life> lives = lives(program);
    int limit = bound(program);
    BufferPlan best = null;
    for (Comparator<Life> order :
        List.of(
            Comparator.comparingInt(Life::size).reversed(), Comparator.comparingInt(Life::first))) {
      for (boolean twoEnded : new boolean[] {true, false}) {
        BufferPlan plan = place(lives, order, twoEnded, limit);
        if (best == null || plan.size < best.size) {
          best = plan;
        }
      }
    }
    if (best == null) {
      throw new IllegalStateException("no plan was tried");
    }
    return best;
  }

  /** The most elements that are live at any one step: no plan is smaller. */
  static int bound(Program program) {
    List<Life> lives = lives(program);
    int most = 0;
    for (int step = -1; step <= program.steps().size(); step++) {
      int now = 0;
      for (Life life : lives) {
        now += life.first <= step && step <= life.last ? life.size : 0;
      }
      most = Math.max(most, now);
    }
    return most;
  }

  private static List<Life> lives(Program program) {
    int[] size = new int[program.buffers()];
    int[] first = new int[size.length];
    int[] last = new int[size.length];
    Arrays.fill(first, Integer.MAX_VALUE);
    Arrays.fill(last, -1);
    for (Program.Value value : program.values()) {
      int elements = (value.shape().size() + LINE - 1) / LINE * LINE;
      size[value.buffer()] = Math.max(size[value.buffer()], elements);
    }
    for (int i = 0; i < program.steps().size(); i++) {
      Program.Step step = program.steps().get(i);
      int out = program.values().get(step.out()).buffer();
      first[out] = Math.min(first[out], i);
      last[out] = i;
      for (int read : reads(step)) {
        last[program.values().get(read).buffer()] = i;
      }
    }
    last[program.values().get(program.output()).buffer()] = program.steps().size();
    List<Life> lives = new ArrayList<>();
    for (int buffer = 0; buffer < size.length; buffer++) {
      // What no step writes is an input, there before the first.
      int from = first[buffer] == Integer.MAX_VALUE ? -1 : first[buffer];
      lives.add(new Life(buffer, size[buffer], from, last[buffer]));
    }
    return lives;
  }

  private static int[] reads(Program.Step step) {
    return switch (step) {
      case Program.Convolution convolution when convolution.residual() != Program.NONE ->
          new int[] {convolution.in(), convolution.residual()};
      case Program.Gate gate -> new int[] {gate.in(), gate.gate()};
      case Program.Custom custom ->
          custom.operands().stream().mapToInt(Integer::intValue).toArray();
      case Program.Add add -> new int[] {add.in(), add.other()};
      case Program.Convolution _,
          Program.Depthwise _,
          Program.Pool _,
          Program.GlobalPool _,
          Program.Activate _,
          Program.CopyChannels _ ->
          new int[] {step.in()};
    };
  }

  private static BufferPlan place(
      List<Life> lives, Comparator<Life> order, boolean twoEnded, int limit) {
    int[] offsets = new int[lives.size()];
    int end = 0;
    List<Life> placed = new ArrayList<>();
    for (Life life : lives.stream().sorted(order).toList()) {
      List<Life> beside = placed.stream().filter(life::meets).toList();
      boolean fromEnd = twoEnded && (life.first & 1) != 0;
      int offset = fromEnd ? highest(life, beside, offsets, limit) : -1;
      if (offset < 0) {
        offset = lowest(life, beside, offsets);
      }
      offsets[life.buffer] = offset;
      end = Math.max(end, Math.addExact(offset, life.size));
      placed.add(life);
    }
    return new BufferPlan(offsets, end);
  }

  /** The lowest place for a buffer: at the start or right behind one that is live beside it. */
  private static int lowest(Life life, List<Life> beside, int[] offsets) {
    int lowest = Integer.MAX_VALUE;
    if (isFree(life, 0, beside, offsets)) {
      return 0;
    }
    for (Life other : beside) {
      int offset = Math.addExact(offsets[other.buffer], other.size);
      if (offset < lowest && isFree(life, offset, beside, offsets)) {
        lowest = offset;
      }
    }
    return lowest;
  }

  /** The highest place that ends at or before the limit, or -1 where there is none. */
  private static int highest(Life life, List<Life> beside, int[] offsets, int limit) {
    if (isFree(life, limit - life.size, beside, offsets)) {
      return limit - life.size;
    }
    int highest = -1;
    for (Life other : beside) {
      int offset = offsets[other.buffer] - life.size;
      if (offset > highest
          && offset + life.size <= limit
          && isFree(life, offset, beside, offsets)) {
        highest = offset;
      }
    }
    return highest;
  }

  private static boolean isFree(Life life, int offset, List<Life> beside, int[] offsets) {
    for (Life other : beside) {
      int start = offsets[other.buffer];
      if (offset < start + other.size && start < offset + life.size) {
        return false;
      }
    }
    return true;
  }
}
