package dev.sextant.runtime.layer;

import dev.sextant.tensor.SextantException;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The layers that JSON can name: the built-in ones and those of {@link LayerProvider}s. */
public final class LayerTypes {
  /** What this library has; their order is that of the schemas. */
  static final List<LayerType<?>> BUILT_IN =
      List.of(
          Conv.TYPE,
          Depthwise.TYPE,
          Separable.TYPE,
          Separable.DILATED,
          MbConv.TYPE,
          Shuffle.TYPE,
          Residual.TYPE,
          Pool.MAX,
          Pool.AVERAGE,
          Skip.TYPE,
          Skip.IDENTITY,
          Zero.TYPE,
          Junction.FORK,
          Junction.NEXT,
          Junction.SUM,
          Detect.TYPE,
          GlobalAvgPool.TYPE,
          Linear.TYPE,
          Cell.TYPE);

  private static @Nullable Map<String, LayerType<?>> found;

  private LayerTypes() {}

  /**
   * {@return all types by name, in alphabetical order}
   *
   * @throws SextantException if a provider cannot be loaded, or two types have one name
   */
  public static synchronized Map<String, LayerType<?>> all() {
    Map<String, LayerType<?>> types = found;
    if (types == null) {
      types = new TreeMap<>();
      add(types, BUILT_IN, "this library");
      try {
        for (LayerProvider provider : ServiceLoader.load(LayerProvider.class)) {
          add(types, provider.types(), provider.getClass().getName());
        }
      } catch (ServiceConfigurationError e) {
        throw new SextantException("layers: " + e.getMessage(), e);
      }
      found = types;
    }
    return types;
  }

  private static void add(
      Map<String, LayerType<?>> types, Collection<LayerType<?>> added, String whose) {
    for (LayerType<?> type : added) {
      if (types.putIfAbsent(type.op(), type) != null) {
        throw new SextantException(
            String.format(
                Locale.ROOT, "layers: %s has a second layer of the name %s", whose, type.op()));
      }
    }
  }
}
