/**
 * Layers with parameters. Images are {@code [N, H, W, C]}; convolutions' filters {@code [k, k, in,
 * out]}, depthwise ones {@code [k, k, C]}.
 */
package dev.sextant.autograd.nn;
