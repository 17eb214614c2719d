package dev.sextant.kernels.emulator;

import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One launch: block after block, each block's warps in turn from barrier to barrier, every access
 * to memory checked.
 */
final class Execution {
  /** Branches of warps in a launch: more means that a loop does not end. */
  private static final long MOST_BRANCHES = 5_000_000;

  private final Invocation launch;
  private final Program program;
  private final List<Warp> spare;
  private final GlobalAccess global;
  private final int number;
  private final int[] shared;
  private final AccessLog sharedLog;
  private final Arithmetic arithmetic = new Arithmetic();
  private int block;
  private int interval;
  private long branches;

  /**
   * A launch.
   *
   * @param spare warps of earlier launches of the program, to be used again
   * @param number counts the launches of the driver
   */
  Execution(Invocation launch, Program program, List<Warp> spare, int number) {
    this.launch = launch;
    this.spare = spare;
    this.program = program;
    this.number = number;
    this.global = launch.global();
    shared = new int[program.sharedBytes() / 4];
    sharedLog = new AccessLog(shared.length, true);
  }

  void run() {
    int threads = launch.blockX() * launch.blockY();
    while (spare.size() * Warp.LANES < threads) {
      spare.add(new Warp(program));
    }
    Warp[] warps = spare.subList(0, (threads + Warp.LANES - 1) / Warp.LANES).toArray(Warp[]::new);
    for (int z = 0; z < launch.gridZ(); z++) {
      for (int y = 0; y < launch.gridY(); y++) {
        for (int x = 0; x < launch.gridX(); x++) {
          block = (z * launch.gridY() + y) * launch.gridX() + x;
          int[] place = {launch.blockX(), launch.blockY(), x, y, z, launch.gridX()};
          for (int w = 0; w < warps.length; w++) {
            warps[w].begin(w, launch.blockX(), threads, place);
          }
          block(warps);
        }
      }
    }
  }

  private void block(Warp[] warps) {
    interval = 0;
    while (true) {
      int waiting = 0;
      for (Warp warp : warps) {
        if (warp.state != Warp.State.DONE) {
          warp.run(this);
          waiting += warp.state == Warp.State.AT_BARRIER ? 1 : 0;
        }
      }
      if (waiting == 0) {
        return;
      }
      for (Warp warp : warps) {
        if (warp.state != Warp.State.AT_BARRIER || warp.barrier() != warps[0].barrier()) {
          throw new EmulationException(
              "%s, block %d: a barrier that warp %d does not reach"
                  .formatted(program.name(), block, warp.number));
        }
      }
      interval++;
    }
  }

  /** Called at each branch of a warp. */
  void countBranch(Warp warp) {
    if (++branches > MOST_BRANCHES) {
      throw new EmulationException(
          "%s, block %d, warp %d: does not end".formatted(program.name(), block, warp.number));
    }
  }

  EmulationException error(Warp warp, Instruction instruction, int mask, String what) {
    return new EmulationException(
        "%s, line %d, %s; block %d, thread %d: %s"
            .formatted(
                program.name(),
                instruction.line,
                instruction.text,
                block,
                warp.number * Warp.LANES + Integer.numberOfTrailingZeros(mask),
                what));
  }

  private long stamp(Warp warp, int lane) {
    return AccessLog.stamp(number, block, interval, warp.number * Warp.LANES + lane);
  }

  void execute(Warp w, Instruction i, int mask) {
    switch (i.opcode) {
      case LD_PARAM_U64, LD_PARAM_S32, LD_PARAM_F32 -> parameter(w, i, mask);
      case LD_GLOBAL_F32, LD_GLOBAL_NC_F32, LD_GLOBAL_B32, ST_GLOBAL_F32 -> global(w, i, mask);
      case LD_SHARED_F32, ST_SHARED_F32 -> shared(w, i, mask);
      case SHFL -> exchange(w, i, mask);
      default -> arithmetic.execute(this, w, i, mask);
    }
  }

  private void parameter(Warp w, Instruction i, int mask) {
    int register = i.registers[0];
    switch (i.opcode) {
      case LD_PARAM_U64 -> {
        int to = w.setAddress(register, mask);
        Arrays.fill(w.addresses, to, to + 32, launch.parameters().getLong(i.offset));
      }
      case LD_PARAM_S32 -> {
        int to = w.setWord(register, mask);
        Arrays.fill(w.words, to, to + 32, launch.parameters().getInt(i.offset));
      }
      default -> {
        int to = w.setFloat(register, mask);
        Arrays.fill(w.floats, to, to + 32, launch.parameters().getFloat(i.offset));
      }
    }
  }

  private void global(Warp w, Instruction i, int mask) {
    boolean store = i.opcode == Opcode.ST_GLOBAL_F32;
    boolean integers = i.opcode == Opcode.LD_GLOBAL_B32;
    int addresses = w.addressAt(this, i, i.address, mask);
    int vector = i.registers.length;
    for (int v = 0; v < vector; v++) {
      prepare(w, i, i.registers[v], mask, store, integers);
    }
    for (int lane = 0; lane < Warp.LANES; lane++) {
      if ((mask >>> lane & 1) == 0) {
        continue;
      }
      long address = w.addresses[addresses + lane] + i.offset;
      check(w, i, lane, global.find(address, 4 * vector));
      int word = global.word(address);
      IntBuffer words = global.words();
      AccessLog log = global.log();
      long stamp = stamp(w, lane);
      for (int v = 0; v < vector; v++) {
        int register = i.registers[v] * Warp.LANES + lane;
        if (store) {
          check(w, i, lane, log.write(word + v, stamp));
          words.put(word + v, Float.floatToRawIntBits(w.floats[register]));
        } else {
          boolean constant = i.opcode == Opcode.LD_GLOBAL_NC_F32;
          check(w, i, lane, log.read(word + v, stamp, constant));
          put(w, register, words.get(word + v), integers);
        }
      }
    }
  }

  private void prepare(
      Warp w, Instruction i, int register, int mask, boolean store, boolean integers) {
    if (store) {
      w.floatAt(this, i, register, mask);
    } else if (integers) {
      w.setWord(register, mask);
    } else {
      w.setFloat(register, mask);
    }
  }

  private static void put(Warp w, int at, int bits, boolean integers) {
    if (integers) {
      w.words[at] = bits;
    } else {
      w.floats[at] = Float.intBitsToFloat(bits);
    }
  }

  private void shared(Warp w, Instruction i, int mask) {
    boolean store = i.opcode == Opcode.ST_SHARED_F32;
    int addresses = w.wordAt(this, i, i.address, mask);
    int vector = i.registers.length;
    for (int v = 0; v < vector; v++) {
      prepare(w, i, i.registers[v], mask, store, false);
    }
    for (int lane = 0; lane < Warp.LANES; lane++) {
      if ((mask >>> lane & 1) == 0) {
        continue;
      }
      int address = w.words[addresses + lane] + i.offset;
      check(w, i, lane, outsideShared(address, 4 * vector));
      long stamp = stamp(w, lane);
      for (int v = 0; v < vector; v++) {
        int word = address / 4 + v;
        int register = i.registers[v] * Warp.LANES + lane;
        if (store) {
          check(w, i, lane, sharedLog.write(word, stamp));
          shared[word] = Float.floatToRawIntBits(w.floats[register]);
        } else {
          if (!sharedLog.written(word, stamp)) {
            check(w, i, lane, "shared memory is read before it is written");
          }
          check(w, i, lane, sharedLog.read(word, stamp, false));
          w.floats[register] = Float.intBitsToFloat(shared[word]);
        }
      }
    }
  }

  private @Nullable String outsideShared(int address, int bytes) {
    if (address % bytes != 0) {
      return "address %d is not aligned to %d bytes".formatted(address, bytes);
    }
    for (Program.SharedArray array : program.sharedArrays()) {
      if (address >= array.address() && address + bytes <= array.address() + array.bytes()) {
        return null;
      }
    }
    return "shared address %d is outside its arrays".formatted(address);
  }

  private void check(Warp w, Instruction i, int lane, @Nullable String wrong) {
    if (wrong != null) {
      throw error(w, i, 1 << lane, wrong);
    }
  }

  private void exchange(Warp w, Instruction i, int mask) {
    if (mask != -1) {
      throw error(w, i, mask, "an exchange that not all lanes of the warp reach");
    }
    int bits = i.registers[2];
    if (i.registers[3] == 'F') {
      int from = w.floatAt(this, i, i.registers[1], mask);
      int to = w.setFloat(i.registers[0], mask);
      float[] values = Arrays.copyOfRange(w.floats, from, from + Warp.LANES);
      for (int lane = 0; lane < Warp.LANES; lane++) {
        w.floats[to + lane] = values[lane ^ bits];
      }
    } else {
      int from = w.wordAt(this, i, i.registers[1], mask);
      int to = w.setWord(i.registers[0], mask);
      int[] values = Arrays.copyOfRange(w.words, from, from + Warp.LANES);
      for (int lane = 0; lane < Warp.LANES; lane++) {
        w.words[to + lane] = values[lane ^ bits];
      }
    }
  }
}
