/**
 * The driver seam on JCuda: the only package that names a JCuda type. Loaded by {@link
 * dev.sextant.kernels.natives.JCudaLoader}, which serves its native libraries, when a CUDA device
 * is opened and not before.
 */
package dev.sextant.kernels.jcuda;
