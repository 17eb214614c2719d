/** Methods beside one another: many runs under one budget of time. */
package dev.sextant.nas.compare;
