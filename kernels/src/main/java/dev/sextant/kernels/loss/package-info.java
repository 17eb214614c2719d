/** Cross-entropy and accuracy, in PTX, and how they are launched. */
package dev.sextant.kernels.loss;
