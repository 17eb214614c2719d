/** Weights that other libraries' trainings left, for networks of this one. */
package dev.sextant.runtime.pretrained;
