/** Networks as ONNX files, and ONNX files as networks. */
package dev.sextant.onnx;
