/**
 * Doors: what policies, costs, objectives, methods and image sources from outside have in common.
 *
 * <p>The packages of the search have an order, in which each uses only those before it: {@code
 * provider}, {@code data}, {@code predict}, {@code space}, {@code supernet} and {@code cells},
 * {@code objective}, {@code cost}, {@code policy}, {@code method}, {@code run}, {@code checkpoint},
 * {@code stage}, {@code train}, {@code report}, {@code search}, {@code compare}.
 */
package dev.sextant.nas.provider;
