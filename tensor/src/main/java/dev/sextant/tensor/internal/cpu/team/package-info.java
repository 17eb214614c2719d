/** The threads of a backend and how work is divided among them. */
package dev.sextant.tensor.internal.cpu.team;
