package dev.sextant.nas.fuzz;

import java.util.List;

/**
 * A reader and what it is given.
 *
 * @param name that commands and messages call it by
 * @param good inputs that it takes, to be changed
 * @param grammar of the changes
 * @param reader reads one input; a {@code SextantException} is an answer, anything else a defect
 * @param free bytes that it may allocate whatever the input
 * @param perByte bytes that it may allocate besides, for each of the input's
 */
record Target(
    String name, List<byte[]> good, Grammar grammar, Reader reader, long free, long perByte) {
  /** Reads an input. */
  interface Reader {
    void read(byte[] input) throws Exception;
  }

  /** Another input, by a case's choices. */
  byte[] input(Choices choices) {
    return grammar.change(good.get(choices.below(good.size())), choices);
  }
}
