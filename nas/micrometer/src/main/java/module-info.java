/** The requests of a pool of models as meters of Micrometer. */
@SuppressWarnings("requires-transitive-automatic") // Micrometer has no descriptor
module dev.sextant.micrometer {
  requires transitive dev.sextant.runtime;
  requires transitive micrometer.core;
  requires static transitive org.jspecify;

  exports dev.sextant.micrometer;
}
