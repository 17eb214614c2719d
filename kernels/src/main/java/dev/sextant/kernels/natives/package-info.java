/** Finds NVIDIA's libraries on this machine and loads JCuda's own against them. */
package dev.sextant.kernels.natives;
