/** Networks whose numbers are rounded to eight bits, as they run where integers are faster. */
package dev.sextant.onnx.quantize;
