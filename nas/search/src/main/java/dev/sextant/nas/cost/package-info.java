/** What networks cost. */
package dev.sextant.nas.cost;
