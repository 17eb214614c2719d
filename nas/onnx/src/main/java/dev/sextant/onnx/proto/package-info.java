/** The messages of {@code onnx.proto} that convolutional networks need, and their wire format. */
package dev.sextant.onnx.proto;
