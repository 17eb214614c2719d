/** What kernels over tiles of images share. */
package dev.sextant.kernels.stencil;
