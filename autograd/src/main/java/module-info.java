/** Reverse-mode autograd over {@link dev.sextant.tensor.Backend}: tape, ops, layers, optimizers. */
module dev.sextant.autograd {
  requires transitive dev.sextant.tensor;
  requires static transitive org.jspecify;

  exports dev.sextant.autograd;
  exports dev.sextant.autograd.nn;
  exports dev.sextant.autograd.ops;
  exports dev.sextant.autograd.optim;
}
