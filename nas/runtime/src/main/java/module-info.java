/** What an application links: architectures, weights and compiled models. */
module dev.sextant.runtime {
  requires transitive dev.sextant.tensor;
  requires com.google.gson;
  requires static org.jspecify;

  exports dev.sextant.runtime;
}
