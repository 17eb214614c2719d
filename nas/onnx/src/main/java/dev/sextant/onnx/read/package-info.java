/** ONNX graphs as operations of the runtime, and operations as layers. */
package dev.sextant.onnx.read;
