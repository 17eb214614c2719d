/** Optimizers, which update weights in one fused kernel each, and schedules of their rates. */
package dev.sextant.autograd.optim;
