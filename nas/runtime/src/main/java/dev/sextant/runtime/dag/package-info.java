/** A layer that is any graph of operations, as networks from elsewhere have them. */
package dev.sextant.runtime.dag;
