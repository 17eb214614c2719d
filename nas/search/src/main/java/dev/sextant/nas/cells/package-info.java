/** Cell spaces: DARTS and PC-DARTS, their supernets, bilevel training and expected latency. */
package dev.sextant.nas.cells;
