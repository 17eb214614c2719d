package dev.sextant.runtime;

import dev.sextant.tensor.SextantException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

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
  private record Life(int buffer, long size, int first, int last) {}

  /**
   * The smallest of four greedy plans, each placing every buffer in the first gap that is free for
   * its whole life: the largest buffer first or the first used first (Pisarchyk and Lee, 2020),
   * from the start of the block or, by turns along the chain, from its start and its end. A layer's
   * input and output then lie at opposite ends, and on a chain of layers one of the plans reaches
   * {@link #bound}.
   *
   * <p>Takes time linear in the pairs of buffers that are live at once: for the networks that can
   * be described these are a few for each layer.
   *
   * @throws SextantException if no plan fits into the elements that one block can have
   */
  static BufferPlan reusing(Program program) {
    List<Life> lives = lives(program);
    long limit = bound(lives, program.steps().size());
    if (limit > Integer.MAX_VALUE) {
      throw tooLarge(limit);
    }
    int[][] beside = beside(lives, program.steps().size());
    Placed best = null;
    for (Comparator<Life> order :
        List.of(
            Comparator.comparingLong(Life::size).reversed(),
            Comparator.comparingInt(Life::first))) {
      for (boolean twoEnded : new boolean[] {true, false}) {
        Placed placed = place(lives, beside, order, twoEnded, limit);
        if (best == null || placed.end < best.end) {
          best = placed;
        }
      }
    }
    if (best == null) {
      throw new IllegalStateException("no plan was tried");
    }
    if (best.end > Integer.MAX_VALUE) {
      throw tooLarge(best.end);
    }
    return new BufferPlan(
        Arrays.stream(best.offsets).mapToInt(Math::toIntExact).toArray(), (int) best.end);
  }

  private static SextantException tooLarge(long elements) {
    return new SextantException(
        String.format(
            Locale.ROOT,
            "network: its buffers take %d elements at once, more than the %d of one block: take a"
                + " smaller batch or image",
            elements,
            Integer.MAX_VALUE));
  }

  /** The most elements that are live at any one step: no plan is smaller. */
  static long bound(Program program) {
    return bound(lives(program), program.steps().size());
  }

  private static long bound(List<Life> lives, int steps) {
    // How much more is live at a step than at the one before, from step -1 on.
    long[] change = new long[steps + 3];
    for (Life life : lives) {
      change[life.first + 1] += life.size;
      change[life.last + 2] -= life.size;
    }
    long now = 0;
    long most = 0;
    for (long more : change) {
      now += more;
      most = Math.max(most, now);
    }
    return most;
  }

  /** For each buffer those that are live with it at some step. */
  private static int[][] beside(List<Life> lives, int steps) {
    List<List<Life>> starting = new ArrayList<>();
    for (int i = 0; i < steps + 2; i++) {
      starting.add(new ArrayList<>());
    }
    lives.forEach(life -> starting.get(life.first + 1).add(life));
    List<List<Integer>> beside = new ArrayList<>();
    lives.forEach(_ -> beside.add(new ArrayList<>()));
    List<Life> live = new ArrayList<>();
    for (int i = 0; i < starting.size(); i++) {
      int step = i - 1;
      live.removeIf(life -> life.last < step);
      for (Life life : starting.get(i)) {
        for (Life other : live) {
          beside.get(life.buffer).add(other.buffer);
          beside.get(other.buffer).add(life.buffer);
        }
        live.add(life);
      }
    }
    return beside.stream()
        .map(list -> list.stream().mapToInt(Integer::intValue).toArray())
        .toArray(int[][]::new);
  }

  private static List<Life> lives(Program program) {
    long[] size = new long[program.buffers()];
    int[] first = new int[size.length];
    int[] last = new int[size.length];
    Arrays.fill(first, Integer.MAX_VALUE);
    Arrays.fill(last, -1);
    for (Program.Value value : program.values()) {
      long elements = ((long) value.shape().size() + LINE - 1) / LINE * LINE;
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
      case Program.Expanded expanded when expanded.residual() != Program.NONE ->
          new int[] {expanded.in(), expanded.residual()};
      case Program.Gate gate -> new int[] {gate.in(), gate.gate()};
      case Program.Custom custom ->
          custom.operands().stream().mapToInt(Integer::intValue).toArray();
      case Program.Add add -> new int[] {add.in(), add.other()};
      case Program.Convolution _,
          Program.Depthwise _,
          Program.Expanded _,
          Program.Pool _,
          Program.GlobalPool _,
          Program.Activate _,
          Program.CopyChannels _ ->
          new int[] {step.in()};
    };
  }

  /** Where each buffer was placed, or -1, and where the last ends. */
  private record Placed(long[] offsets, long end) {}

  private static Placed place(
      List<Life> lives, int[][] beside, Comparator<Life> order, boolean twoEnded, long limit) {
    long[] offsets = new long[lives.size()];
    Arrays.fill(offsets, -1);
    long end = 0;
    for (Life life : lives.stream().sorted(order).toList()) {
      List<Life> placed = new ArrayList<>();
      for (int other : beside[life.buffer]) {
        if (offsets[other] >= 0) {
          placed.add(lives.get(other));
        }
      }
      boolean fromEnd = twoEnded && (life.first & 1) != 0;
      long offset = fromEnd ? highest(life, placed, offsets, limit) : -1;
      if (offset < 0) {
        offset = lowest(life, placed, offsets);
      }
      offsets[life.buffer] = offset;
      end = Math.max(end, offset + life.size);
    }
    return new Placed(offsets, end);
  }

  /** The lowest place for a buffer: at the start or right behind one that is live beside it. */
  private static long lowest(Life life, List<Life> beside, long[] offsets) {
    long lowest = Long.MAX_VALUE;
    if (isFree(life, 0, beside, offsets)) {
      return 0;
    }
    for (Life other : beside) {
      long offset = offsets[other.buffer] + other.size;
      if (offset < lowest && isFree(life, offset, beside, offsets)) {
        lowest = offset;
      }
    }
    return lowest;
  }

  /** The highest place that ends at or before the limit, or -1 where there is none. */
  private static long highest(Life life, List<Life> beside, long[] offsets, long limit) {
    if (isFree(life, limit - life.size, beside, offsets)) {
      return limit - life.size;
    }
    long highest = -1;
    for (Life other : beside) {
      long offset = offsets[other.buffer] - life.size;
      if (offset > highest
          && offset + life.size <= limit
          && isFree(life, offset, beside, offsets)) {
        highest = offset;
      }
    }
    return highest;
  }

  private static boolean isFree(Life life, long offset, List<Life> beside, long[] offsets) {
    for (Life other : beside) {
      long start = offsets[other.buffer];
      if (offset < start + other.size && start < offset + life.size) {
        return false;
      }
    }
    return true;
  }
}
