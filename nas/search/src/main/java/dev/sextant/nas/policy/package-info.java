/** Who picks networks, and how it learns. */
package dev.sextant.nas.policy;
