/**
 * The kernels of a backend by family: for each an interface, and the rules on shapes, labels and
 * shared elements that every implementation applies first.
 */
package dev.sextant.tensor.family;
