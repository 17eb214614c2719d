/** The command line: {@code sextant search} and the commands around it. */
module dev.sextant.cli {
  requires dev.sextant.search;
  requires dev.sextant.serve;
  requires com.google.gson;
  requires info.picocli;
  requires static transitive org.jspecify;

  uses dev.sextant.tensor.BackendProvider;

  opens dev.sextant.cli to
      info.picocli;
  opens dev.sextant.cli.options to
      info.picocli;
  opens dev.sextant.cli.output to
      info.picocli;
}
