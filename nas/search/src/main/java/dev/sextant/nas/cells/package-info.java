/**
 * The search of cells, DARTS and PC-DARTS: supernets, bilevel training, expected counts and
 * latency. What a space of cells is stands in {@code space}.
 */
package dev.sextant.nas.cells;
