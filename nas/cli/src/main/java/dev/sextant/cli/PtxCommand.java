package dev.sextant.cli;

import dev.sextant.tensor.BackendProvider;
import dev.sextant.tensor.SextantException;
import java.util.Locale;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code sextant ptx}. */
@Command(
    name = "ptx",
    mixinStandardHelpOptions = true,
    description =
        "Prints a GPU kernel as PTX, with its comments; without an argument, the names of all.")
final class PtxCommand implements Runnable {
  @Parameters(arity = "0..1", paramLabel = "NAME", description = "of a kernel")
  private @Nullable String name;

  @Override
  public void run() {
    Map<String, Supplier<String>> kernels = new TreeMap<>();
    for (BackendProvider provider : ServiceLoader.load(BackendProvider.class)) {
      kernels.putAll(provider.kernels());
    }
    if (name == null) {
      kernels.keySet().forEach(System.out::println);
      return;
    }
    Supplier<String> text = kernels.get(name);
    if (text == null) {
      throw new SextantException(
          String.format(Locale.ROOT, "ptx: no kernel '%s'; sextant ptx lists the names", name));
    }
    System.out.print(text.get());
  }
}
