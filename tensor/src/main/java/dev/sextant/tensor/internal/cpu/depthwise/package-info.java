/**
 * Depthwise convolutions: dense correlations of zero-padded tiles, a vector of channels at a time.
 */
package dev.sextant.tensor.internal.cpu.depthwise;
