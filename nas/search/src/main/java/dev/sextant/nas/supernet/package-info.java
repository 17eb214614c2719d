/** Supernets: how the candidates of a space hold their weights, and how one step runs them. */
package dev.sextant.nas.supernet;
