/** The squared ReLU of Primer (So et al. 2021), and a layer that ends in it. */
package dev.example.layer;
