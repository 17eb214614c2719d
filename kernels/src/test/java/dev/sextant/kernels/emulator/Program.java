package dev.sextant.kernels.emulator;

import java.util.List;

/**
 * A parsed module of one kernel. Constants and special registers have numbers in the register files
 * too: constants are set once, special registers for each thread.
 *
 * @param specials numbers of special registers in the file of 32-bit registers, by {@link
 *     #SPECIALS}; -1 where not used
 * @param sharedArrays of the block, in the order of their addresses
 */
record Program(
    String name,
    Instruction[] instructions,
    int floats,
    int words,
    int addresses,
    int predicates,
    List<Constant> constants,
    int[] specials,
    List<SharedArray> sharedArrays) {
  static final List<String> SPECIALS =
      List.of(
          "%tid.x",
          "%tid.y", "%ntid.x", "%ntid.y", "%ctaid.x", "%ctaid.y", "%ctaid.z", "%nctaid.x");

  /**
   * A constant in a register file.
   *
   * @param type F, B or D
   * @param bits of a float, or the number
   */
  record Constant(char type, int register, long bits) {}

  /** An array in shared memory. */
  record SharedArray(String name, int address, int bytes) {}

  int sharedBytes() {
    return sharedArrays.isEmpty()
        ? 0
        : sharedArrays.getLast().address() + sharedArrays.getLast().bytes();
  }
}
