/**
 * Convolutions that read and write through batch norms, and bottlenecks whose expansion is made
 * again.
 */
package dev.sextant.tensor.internal.cpu.bottleneck;
