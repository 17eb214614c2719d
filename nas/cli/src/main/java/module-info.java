/** The command line: {@code sextant search} and the commands around it. */
module dev.sextant.cli {
  requires dev.sextant.search;
  requires com.google.gson;
  requires info.picocli;
  requires static transitive org.jspecify;
  // What gpu-check runs tests with; it starts on the class path, where the tests of a package
  // may lie beside it.
  requires static org.junit.platform.engine;
  requires static org.junit.platform.launcher;

  uses dev.sextant.tensor.BackendProvider;

  opens dev.sextant.cli to
      info.picocli;
}
