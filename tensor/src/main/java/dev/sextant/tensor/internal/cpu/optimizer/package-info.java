/** Optimizer steps. */
package dev.sextant.tensor.internal.cpu.optimizer;
