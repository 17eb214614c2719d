/**
 * How wide vectors are, which micro-kernels there are, and arithmetic on vectors that all families
 * share.
 */
package dev.sextant.tensor.internal.cpu.vector;
