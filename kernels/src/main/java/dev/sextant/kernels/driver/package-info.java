/** The seam to a CUDA binding. */
package dev.sextant.kernels.driver;
