package dev.sextant.nas.provider;

import dev.sextant.tensor.SextantException;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The values of a provider's {@link Option}s in a run. Immutable. */
public final class Options {
  private final Provider provider;
  private final Map<String, String> values = new HashMap<>();

  private Options(Provider provider, Map<String, String> given) {
    this.provider = provider;
    for (Option option : provider.options()) {
      String whole = whole(provider, option);
      String value = given.getOrDefault(whole, option.initial());
      option.check(whole, value);
      values.put(option.name(), value);
    }
  }

  /**
   * {@return the values of one provider: those given, else those it starts from}
   *
   * @param provider whose options they are
   * @param given to all providers of a run, by {@code PROVIDER.NAME}
   * @throws SextantException if one is no number, or out of its range
   */
  public static Options of(Provider provider, Map<String, String> given) {
    return new Options(provider, given);
  }

  /**
   * Checks that every value is one of a provider that reads it.
   *
   * @param given by {@code PROVIDER.NAME}
   * @param providers those that the run consists of
   * @throws SextantException naming what is not, with the list of what there is
   */
  public static void check(Map<String, String> given, Collection<? extends Provider> providers) {
    List<String> names =
        providers.stream()
            .distinct()
            .flatMap(provider -> provider.options().stream().map(o -> whole(provider, o)))
            .toList();
    for (String name : given.keySet()) {
      if (!names.contains(name)) {
        throw new SextantException(
            names.isEmpty()
                ? "set %s: nothing that this run is made of has options".formatted(name)
                : "set %s: is not among the options of what this run is made of (%s)"
                    .formatted(name, String.join(", ", names)));
      }
    }
    providers.forEach(provider -> of(provider, given));
  }

  private static String whole(Provider provider, Option option) {
    return provider.id() + "." + option.name();
  }

  /**
   * {@return the value of a number}
   *
   * @param name of an option that the provider has
   */
  public double number(String name) {
    return Double.parseDouble(text(name));
  }

  /**
   * {@return the value of a text}
   *
   * @param name of an option that the provider has
   */
  public String text(String name) {
    String value = values.get(name);
    if (value == null) {
      throw new IllegalArgumentException("%s declares no option %s".formatted(provider.id(), name));
    }
    return value;
  }
}
