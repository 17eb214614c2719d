/**
 * From scores of some networks of a space to the best of all: held-out loss in a supernet, a fit,
 * and the search among what it predicts.
 */
package dev.sextant.nas.score;
