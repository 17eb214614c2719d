package dev.sextant.kernels.emulator;

/** One instruction, decoded: operands are numbers of registers in the file of their type. */
final class Instruction {
  final Opcode opcode;

  /** Its line in the module and its text, for messages. */
  final int line;

  final String text;

  /** The predicate that guards it, or -1. */
  final int guard;

  final boolean guardNegated;

  /** Registers: destination first; for stores the values; for vectors as many as lanes. */
  final int[] registers;

  /** The register of the address of a load or store. */
  final int address;

  /** Bytes added to the address, or the offset of a parameter. */
  final int offset;

  /** The target of a branch, set when all labels are known. */
  int target = -1;

  Instruction(
      Opcode opcode,
      int line,
      String text,
      int guard,
      boolean guardNegated,
      int[] registers,
      int address,
      int offset) {
    this.opcode = opcode;
    this.line = line;
    this.text = text;
    this.guard = guard;
    this.guardNegated = guardNegated;
    this.registers = registers;
    this.address = address;
    this.offset = offset;
  }
}
