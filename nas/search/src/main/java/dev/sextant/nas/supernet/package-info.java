/**
 * Supernets: how the candidates of a space hold their weights, and how one step runs them. Names
 * {@code space}, and not {@code cells}, whose supernets are built on these.
 */
package dev.sextant.nas.supernet;
