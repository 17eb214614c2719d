/** A small HTTP server for one model, and percentiles of its requests. */
module dev.sextant.serve {
  requires transitive dev.sextant.runtime;
  requires com.google.gson;
  requires HdrHistogram;
  requires jdk.httpserver;
  requires static transitive org.jspecify;

  exports dev.sextant.serve;
}
