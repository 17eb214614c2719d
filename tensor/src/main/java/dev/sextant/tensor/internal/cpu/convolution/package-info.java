/** Dense convolutions as matrix products. */
package dev.sextant.tensor.internal.cpu.convolution;
