/** Poolings over vectors of channels. */
package dev.sextant.tensor.internal.cpu.pooling;
