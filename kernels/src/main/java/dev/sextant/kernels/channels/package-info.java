/**
 * Kernels over rows of channels: maps with per-channel constants and reductions to channels, in
 * PTX, and how they are launched.
 */
package dev.sextant.kernels.channels;
