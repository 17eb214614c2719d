/**
 * A smaller network out of a trained one: what can stand in the place of each layer, how it starts
 * from that layer's weights and is fitted to its output, what it costs in accuracy, and which of
 * all are the best within a budget.
 */
@org.jspecify.annotations.NullMarked
package dev.sextant.nas.shrink;
