/** The backend on a CUDA device: it builds the families and hands them out. */
package dev.sextant.kernels.cuda;
