/** One file an op: its shape rule, its forward and its gradient. */
package dev.sextant.autograd.ops;
