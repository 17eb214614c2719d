/** The peer of inference: networks written as ONNX and run by ONNX Runtime. */
package dev.sextant.bench.onnx;
