/**
 * Tensors, the memory they come from, and the one seam to hardware: {@link
 * dev.sextant.tensor.Backend}.
 */
package dev.sextant.tensor;
