package dev.sextant.nas.provider;

import dev.sextant.tensor.SextantException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;

/**
 * All providers of a kind: those built in, then those that {@link ServiceLoader} finds. Looked for
 * once, when they are first asked for. Thread-safe.
 *
 * @param <P> their kind
 */
public final class Providers<P extends Provider> {
  private final String kind;
  private final Class<? extends P> service;
  private final List<? extends P> builtIn;
  private @Nullable Map<String, P> byName;

  /**
   * The providers of a kind.
   *
   * @param kind what messages call one, as in {@code policy}
   * @param service the interface, which this module {@code uses}
   * @param builtIn the project's own, which come first
   */
  public Providers(String kind, Class<? extends P> service, List<? extends P> builtIn) {
    this.kind = kind;
    this.service = service;
    this.builtIn = List.copyOf(builtIn);
  }

  /** Whether a text can be a name: lower-case letters, digits and dashes. */
  static boolean isName(String text) {
    return text.matches("[a-z0-9]+(-[a-z0-9]+)*");
  }

  private synchronized Map<String, P> byName() {
    if (byName == null) {
      Map<String, P> found = new LinkedHashMap<>();
      builtIn.forEach(provider -> found.put(provider.id(), provider));
      try {
        ServiceLoader.load(service).forEach(provider -> add(provider, found));
      } catch (ServiceConfigurationError e) {
        throw new SextantException("%s: a provider cannot be made (%s)".formatted(kind, e), e);
      }
      byName = found;
    }
    return byName;
  }

  private void add(P provider, Map<String, P> found) {
    if (!isName(provider.id())) {
      throw new SextantException(
          "%s '%s' of %s: a name has lower-case letters, digits and dashes"
              .formatted(kind, provider.id(), provider.getClass().getName()));
    }
    P other = found.putIfAbsent(provider.id(), provider);
    if (other != null) {
      throw new SextantException(
          "%s '%s': there are two, %s and %s"
              .formatted(
                  kind, provider.id(), other.getClass().getName(), provider.getClass().getName()));
    }
  }

  /** {@return all of them} */
  public List<P> all() {
    return new ArrayList<>(byName().values());
  }

  /** {@return their names} */
  public List<String> names() {
    return new ArrayList<>(byName().keySet());
  }

  /**
   * {@return the one of that name, in whatever case}
   *
   * @param name as {@link Provider#id} gives it
   * @throws SextantException if there is none, with the list of those there are
   */
  public P named(String name) {
    P provider = byName().get(name.toLowerCase(Locale.ROOT));
    if (provider == null) {
      throw new SextantException(
          "%s: '%s' is none (there are %s)".formatted(kind, name, String.join(", ", names())));
    }
    return provider;
  }
}
