/** What an application links: architectures, weights and compiled models. */
// The search shares the JSON reader; it is compiled after this module and not yet to be found.
@SuppressWarnings("module")
module dev.sextant.runtime {
  requires transitive dev.sextant.tensor;
  requires com.google.gson;
  requires java.management;
  requires jdk.jfr;
  requires jdk.management;
  requires static transitive org.jspecify;

  exports dev.sextant.runtime;
  exports dev.sextant.runtime.dag;
  exports dev.sextant.runtime.detection;
  exports dev.sextant.runtime.graph;
  exports dev.sextant.runtime.image;
  exports dev.sextant.runtime.layer;
  exports dev.sextant.runtime.pretrained;
  exports dev.sextant.runtime.service;
  exports dev.sextant.runtime.json to
      dev.sextant.search;

  uses dev.sextant.runtime.layer.LayerProvider;

  provides dev.sextant.runtime.layer.LayerProvider with
      dev.sextant.runtime.dag.GraphLayerProvider;
}
