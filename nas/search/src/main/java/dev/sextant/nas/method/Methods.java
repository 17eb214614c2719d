package dev.sextant.nas.method;

import dev.sextant.nas.provider.Providers;
import java.util.List;

/** The methods there are. */
public final class Methods {
  /** All of them: {@link PublishedMethod}, and those from outside. */
  public static final Providers<Method> ALL =
      new Providers<>("method", Method.class, List.of(PublishedMethod.values()));

  private Methods() {}
}
