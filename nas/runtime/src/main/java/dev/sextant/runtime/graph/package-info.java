/** What a layer computes, as operations on values: the one description that all forms follow. */
package dev.sextant.runtime.graph;
