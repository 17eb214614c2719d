/** Searching a space: the stages of a run, and prices and budgets of its networks. */
package dev.sextant.nas.search;
