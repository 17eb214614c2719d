/** Cross-entropy and accuracy. */
package dev.sextant.tensor.internal.cpu.loss;
