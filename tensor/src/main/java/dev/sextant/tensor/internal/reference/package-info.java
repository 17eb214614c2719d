/** Every family in plain loops in double: what the other backends are tested against. */
package dev.sextant.tensor.internal.reference;
