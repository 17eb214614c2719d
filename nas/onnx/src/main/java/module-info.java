/** Networks as ONNX files, and ONNX files as networks. */
module dev.sextant.onnx {
  requires transitive dev.sextant.runtime;
  requires com.google.protobuf;
  requires static transitive org.jspecify;

  exports dev.sextant.onnx;
}
