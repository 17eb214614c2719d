package dev.sextant.runtime.layer;

import dev.sextant.tensor.Shape;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The values of a layer's fields, and where the layer stands.
 *
 * @param <L> the layer's record
 */
public final class FieldValues<L extends Layer> {
  private final Map<String, Object> values = new HashMap<>();
  private final @Nullable Shape before;
  private final Shape input;

  FieldValues(@Nullable Shape before, Shape input) {
    this.before = before;
    this.input = input;
  }

  void put(Field<L, ?> field, Object value) {
    values.put(field.name(), value);
  }

  /**
   * {@return the value of a field; while fields are read, of one that stands before}
   *
   * @param <T> the value's type
   * @param field of this layer's type
   */
  public <T> T get(Field<L, T> field) {
    Object value = values.get(field.name());
    if (value == null) {
      throw new IllegalStateException(field.name() + " is not read yet");
    }
    return field.kind().cast(value);
  }

  /** {@return what the layer takes, {@code [N, H, W, C]} or {@code [N, C]}} */
  public Shape input() {
    return input;
  }

  /** What the layer before takes; null where there is none. */
  @Nullable Shape before() {
    return before;
  }
}
