/** A typed assembler that writes PTX, and what kernels of all families write with it. */
package dev.sextant.kernels.ptx;
