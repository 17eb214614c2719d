package dev.sextant.kernels.emulator;

import java.util.Arrays;

/**
 * 32 threads in step. Where they part, those at the lowest instruction go first until the others
 * are met again: structured code is laid out so that this is where its branches join. Registers are
 * kept by register, then lane.
 */
final class Warp {
  static final int LANES = 32;

  /** What keeps a warp from going on. */
  enum State {
    READY,
    AT_BARRIER,
    DONE
  }

  final Program program;
  final float[] floats;
  final int[] words;
  final long[] addresses;
  final int[] predicates;

  /** The lanes in which a register has been written. */
  private final int[] definedFloats;

  private final int[] definedWords;
  private final int[] definedAddresses;
  private final int[] definedPredicates;

  /** All lanes of constants. */
  private final int[] constantFloats;

  private final int[] constantWords;
  private final int[] constantAddresses;

  /** Groups of lanes that have parted: where they are, and which they are. */
  private final int[] counters = new int[LANES];

  private final int[] masks = new int[LANES];
  private int groups;
  State state = State.DONE;

  /** Its number in the block, and the lanes that have a thread. */
  int number;

  private int threads;

  Warp(Program program) {
    this.program = program;
    floats = new float[program.floats() * LANES];
    words = new int[program.words() * LANES];
    addresses = new long[program.addresses() * LANES];
    predicates = new int[program.predicates()];
    definedFloats = new int[program.floats()];
    definedWords = new int[program.words()];
    definedAddresses = new int[program.addresses()];
    definedPredicates = new int[program.predicates()];
    constantFloats = new int[program.floats()];
    constantWords = new int[program.words()];
    constantAddresses = new int[program.addresses()];
    setConstants();
  }

  /** Constants are set once: no instruction writes to them. */
  private void setConstants() {
    for (Program.Constant constant : program.constants()) {
      int first = constant.register() * LANES;
      switch (constant.type()) {
        case 'F' -> {
          Arrays.fill(floats, first, first + LANES, Float.intBitsToFloat((int) constant.bits()));
          constantFloats[constant.register()] = -1;
        }
        case 'B' -> {
          Arrays.fill(words, first, first + LANES, (int) constant.bits());
          constantWords[constant.register()] = -1;
        }
        default -> {
          Arrays.fill(addresses, first, first + LANES, constant.bits());
          constantAddresses[constant.register()] = -1;
        }
      }
    }
  }

  /** Begins a block: no register holds anything but constants and the thread's place. */
  void begin(int warp, int blockX, int blockThreads, int[] place) {
    number = warp;
    int count = Math.min(LANES, blockThreads - warp * LANES);
    threads = count == LANES ? -1 : (1 << count) - 1;
    System.arraycopy(constantFloats, 0, definedFloats, 0, definedFloats.length);
    System.arraycopy(constantWords, 0, definedWords, 0, definedWords.length);
    System.arraycopy(constantAddresses, 0, definedAddresses, 0, definedAddresses.length);
    Arrays.fill(definedPredicates, 0);
    for (int special = 0; special < Program.SPECIALS.size(); special++) {
      int register = program.specials()[special];
      if (register < 0) {
        continue;
      }
      for (int lane = 0; lane < LANES; lane++) {
        int thread = warp * LANES + lane;
        words[register * LANES + lane] =
            switch (special) {
              case 0 -> thread % blockX;
              case 1 -> thread / blockX;
              default -> place[special - 2];
            };
      }
      definedWords[register] = -1;
    }
    counters[0] = 0;
    masks[0] = threads;
    groups = 1;
    state = State.READY;
  }

  /** Runs to the next barrier or to the end. */
  void run(Execution execution) {
    Instruction[] instructions = program.instructions();
    state = State.READY;
    while (state == State.READY) {
      int current = lowest();
      int others = lowestBut(current);
      int pc = counters[current];
      while (pc < others) {
        Instruction instruction = instructions[pc];
        int mask = masks[current] & guard(execution, instruction, masks[current]);
        if (instruction.opcode == Opcode.BRA) {
          execution.countBranch(this);
          pc = branch(current, mask, instruction.target, pc + 1);
          others = lowestBut(current);
        } else if (instruction.opcode == Opcode.RET) {
          leave(execution, instruction, current, mask);
          break;
        } else if (instruction.opcode == Opcode.BAR) {
          if (mask != threads) {
            throw execution.error(this, instruction, mask, "a barrier that not all threads reach");
          }
          counters[0] = pc + 1;
          state = State.AT_BARRIER;
          break;
        } else {
          if (mask != 0) {
            execution.execute(this, instruction, mask);
          }
          pc++;
        }
        counters[current] = pc;
      }
      if (state == State.READY) {
        merge();
      }
    }
  }

  /** The instruction a warp at a barrier waits at. */
  int barrier() {
    return counters[0] - 1;
  }

  private int guard(Execution execution, Instruction instruction, int mask) {
    if (instruction.guard < 0) {
      return -1;
    }
    int truth = predicate(execution, instruction, instruction.guard, mask);
    return instruction.guardNegated ? ~truth : truth;
  }

  private int branch(int current, int taken, int target, int next) {
    int mask = masks[current];
    if (taken == mask) {
      counters[current] = target;
      return target;
    }
    if (taken != 0) {
      masks[current] = mask & ~taken;
      counters[groups] = target;
      masks[groups] = taken;
      groups++;
    }
    counters[current] = next;
    return next;
  }

  private void leave(Execution execution, Instruction instruction, int current, int mask) {
    if (mask != masks[current]) {
      throw execution.error(this, instruction, mask, "ret under a predicate");
    }
    groups--;
    counters[current] = counters[groups];
    masks[current] = masks[groups];
    if (groups == 0) {
      state = State.DONE;
    }
  }

  private int lowest() {
    int lowest = 0;
    for (int i = 1; i < groups; i++) {
      if (counters[i] < counters[lowest]) {
        lowest = i;
      }
    }
    return lowest;
  }

  private int lowestBut(int current) {
    int lowest = Integer.MAX_VALUE;
    for (int i = 0; i < groups; i++) {
      if (i != current) {
        lowest = Math.min(lowest, counters[i]);
      }
    }
    return lowest;
  }

  /** Groups at one instruction become one. */
  private void merge() {
    for (int i = 0; i < groups; i++) {
      for (int j = groups - 1; j > i; j--) {
        if (counters[i] == counters[j]) {
          masks[i] |= masks[j];
          groups--;
          counters[j] = counters[groups];
          masks[j] = masks[groups];
        }
      }
    }
  }

  // ---- registers, checked to have been written

  /** First index of a float register's lanes, which must hold values. */
  int floatAt(Execution execution, Instruction instruction, int register, int mask) {
    if ((definedFloats[register] & mask) != mask) {
      throw undefined(execution, instruction, mask & ~definedFloats[register]);
    }
    return register * LANES;
  }

  int wordAt(Execution execution, Instruction instruction, int register, int mask) {
    if ((definedWords[register] & mask) != mask) {
      throw undefined(execution, instruction, mask & ~definedWords[register]);
    }
    return register * LANES;
  }

  int addressAt(Execution execution, Instruction instruction, int register, int mask) {
    if ((definedAddresses[register] & mask) != mask) {
      throw undefined(execution, instruction, mask & ~definedAddresses[register]);
    }
    return register * LANES;
  }

  int predicate(Execution execution, Instruction instruction, int register, int mask) {
    if ((definedPredicates[register] & mask) != mask) {
      throw undefined(execution, instruction, mask & ~definedPredicates[register]);
    }
    return predicates[register];
  }

  private EmulationException undefined(Execution execution, Instruction instruction, int mask) {
    return execution.error(this, instruction, mask, "a register is read before it is written");
  }

  int setFloat(int register, int mask) {
    definedFloats[register] |= mask;
    return register * LANES;
  }

  int setWord(int register, int mask) {
    definedWords[register] |= mask;
    return register * LANES;
  }

  int setAddress(int register, int mask) {
    definedAddresses[register] |= mask;
    return register * LANES;
  }

  void setPredicate(int register, int mask, int truth) {
    definedPredicates[register] |= mask;
    predicates[register] = predicates[register] & ~mask | truth & mask;
  }
}
