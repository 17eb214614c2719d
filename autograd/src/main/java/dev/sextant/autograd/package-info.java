/**
 * Reverse-mode differentiation: a {@link dev.sextant.autograd.Tape} runs each op at once and keeps
 * what its gradient needs; {@link dev.sextant.autograd.GradientCheck} compares gradients with
 * central differences; {@link dev.sextant.autograd.CustomOp} is the door for ops of others.
 */
package dev.sextant.autograd;
