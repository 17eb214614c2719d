/** The search: spaces, supernets, policies, costs, objectives, data, training and runs. */
module dev.sextant.search {
  requires transitive dev.sextant.autograd;
  requires transitive dev.sextant.onnx;
  requires transitive dev.sextant.runtime;
  requires com.google.gson;
  requires de.siegmar.fastcsv;
  requires java.desktop;
  requires com.google.protobuf;
  requires java.management;
  requires java.net.http;
  requires jdk.httpserver;
  requires jdk.jfr;
  requires jdk.management;
  requires org.snakeyaml.engine.v2;
  requires static transitive org.jspecify;

  exports dev.sextant.nas.cells;
  exports dev.sextant.nas.compare;
  exports dev.sextant.nas.cost;
  exports dev.sextant.nas.data;
  exports dev.sextant.nas.data.scene;
  exports dev.sextant.nas.detection;
  exports dev.sextant.nas.live;
  exports dev.sextant.nas.method;
  exports dev.sextant.nas.objective;
  exports dev.sextant.nas.policy;
  exports dev.sextant.nas.prior;
  exports dev.sextant.nas.predict;
  exports dev.sextant.nas.provider;
  exports dev.sextant.nas.report;
  exports dev.sextant.nas.run;
  exports dev.sextant.nas.score;
  exports dev.sextant.nas.search;
  exports dev.sextant.nas.shrink;
  exports dev.sextant.nas.space;
  exports dev.sextant.nas.supernet;
  exports dev.sextant.nas.train;
  exports dev.sextant.nas.truth;
  exports dev.sextant.nas.workers;

  uses dev.sextant.nas.cost.CostProvider;
  uses dev.sextant.nas.data.ImageSource;
  uses dev.sextant.nas.method.Method;
  uses dev.sextant.nas.objective.ObjectiveProvider;
  uses dev.sextant.nas.policy.PolicyProvider;
  uses dev.sextant.nas.prior.PriorProvider;
  uses dev.sextant.nas.workers.ClusterProvider;

  provides dev.sextant.nas.data.ImageSource with
      dev.sextant.nas.detection.SceneSource;

  // run.json and compare.json hold their settings as records.
  opens dev.sextant.nas.compare to
      com.google.gson;
  opens dev.sextant.nas.policy to
      com.google.gson;
  opens dev.sextant.nas.method to
      com.google.gson;
  opens dev.sextant.nas.data to
      com.google.gson;
}
