/**
 * The CPU on the Vector API: a package for each family of kernels, over {@code team} and {@code
 * vector}.
 */
package dev.sextant.tensor.internal.cpu;
