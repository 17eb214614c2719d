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
   * The better of two greedy plans, each placing every buffer in the lowest gap that is free for
   * its whole life: the largest buffer first, or the first used first (Pisarchyk and Lee, 2020). On
   * a chain of layers one of them reaches the bound, the most that is live at any step.
   */
  static BufferPlan reusing(Program program) {
    List<Life> lives = lives(program);
    BufferPlan largestFirst = place(lives, Comparator.comparingInt(Life::size).reversed());
    BufferPlan inOrder = place(lives, Comparator.comparingInt(Life::first));
    return inOrder.size < largestFirst.size ? inOrder : largestFirst;
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
    first[program.values().get(program.input()).buffer()] = -1;
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
      lives.add(new Life(buffer, size[buffer], first[buffer], last[buffer]));
    }
    return lives;
  }

  private static int[] reads(Program.Step step) {
    return switch (step) {
      case Program.Convolution convolution when convolution.residual() != Program.NONE ->
          new int[] {convolution.in(), convolution.residual()};
      case Program.Gate gate -> new int[] {gate.in(), gate.gate()};
      case Program.Convolution _, Program.Depthwise _, Program.Pool _, Program.GlobalPool _ ->
          new int[] {step.in()};
    };
  }

  private static BufferPlan place(List<Life> lives, Comparator<Life> order) {
    int[] offsets = new int[lives.size()];
    int end = 0;
    List<Life> placed = new ArrayList<>();
    for (Life life : lives.stream().sorted(order).toList()) {
      // The placed buffers that are live beside this one, from the lowest: the gaps between them.
      int offset = 0;
      for (Life other :
          placed.stream()
              .filter(life::meets)
              .sorted(Comparator.comparingInt((Life other) -> offsets[other.buffer]))
              .toList()) {
        if (offsets[other.buffer] - offset >= life.size) {
          break;
        }
        offset = Math.max(offset, offsets[other.buffer] + other.size);
      }
      offsets[life.buffer] = offset;
      end = Math.max(end, Math.addExact(offset, life.size));
      placed.add(life);
    }
    return new BufferPlan(offsets, end);
  }
}
