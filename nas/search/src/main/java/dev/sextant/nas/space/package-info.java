/**
 * Search spaces as data: chains of layers and choices, cells whose edges are choices, the networks
 * they name, their JSON format, sizes and counts.
 *
 * <p>The order of the packages is {@code space}, {@code supernet}, {@code cells}: each names those
 * before it alone.
 */
package dev.sextant.nas.space;
