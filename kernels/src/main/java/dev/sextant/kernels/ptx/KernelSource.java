package dev.sextant.kernels.ptx;

/**
 * One specialisation of a kernel family. Implementations are records: two equal ones assemble to
 * the same text, so that a source is the key of every cache of kernels.
 */
public interface KernelSource {
  /** The most threads of a block, for every kernel here: two blocks of it fill half an SM. */
  int THREADS = 256;

  /** The name of the entry point, unique among all specialisations of all families. */
  String name();

  /** Writes the kernel. */
  Kernel assemble();
}
