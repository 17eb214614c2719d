/** The search: spaces, supernets, policies, costs, objectives, data, training and runs. */
module dev.sextant.search {
  requires transitive dev.sextant.autograd;
  requires transitive dev.sextant.runtime;
  requires com.google.gson;
  requires java.desktop;
  requires static org.jspecify;

  exports dev.sextant.nas;
  exports dev.sextant.nas.data;
  exports dev.sextant.nas.space;
}
