/**
 * What every family of kernels is launched with: device memory, the kernels loaded so far, and
 * staged uploads.
 */
package dev.sextant.kernels.device;
