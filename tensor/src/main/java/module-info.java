/**
 * Tensors, their memory, and the one seam to hardware: {@link dev.sextant.tensor.Backend}.
 *
 * <p>The vector module is optional at run time: without {@code --add-modules jdk.incubator.vector}
 * the CPU backend falls back to scalar code and says so once.
 */
module dev.sextant.tensor {
  requires static jdk.incubator.vector;
  requires static transitive org.jspecify;

  exports dev.sextant.tensor;
  exports dev.sextant.tensor.family;

  uses dev.sextant.tensor.BackendProvider;
}
