/**
 * The kernels: one class for each family, whose record components are its specialisation. {@code
 * assemble} writes the PTX; nothing here launches anything.
 */
package dev.sextant.kernels.family;
