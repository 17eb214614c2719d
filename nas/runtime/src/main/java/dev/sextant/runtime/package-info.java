/** Architectures and weights on disk, and the compiled model: what an application links. */
package dev.sextant.runtime;
