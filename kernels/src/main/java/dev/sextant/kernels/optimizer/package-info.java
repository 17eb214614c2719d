/** Optimizer steps, of one tensor or many, in PTX, and how they are launched. */
package dev.sextant.kernels.optimizer;
