package dev.sextant.runtime.layer;

/**
 * A layer written outside this library: a record with a {@link LayerType} that a {@link
 * LayerProvider} names.
 *
 * <pre>{@code
 * record Scaled(int out) implements CustomLayer {
 *   private static final Field<Scaled, Integer> OUT = Field.out(Scaled::out);
 *   static final LayerType<Scaled> TYPE =
 *       LayerType.of("scaled", Scaled.class, List.of(OUT), values -> new Scaled(values.get(OUT)));
 *
 *   public LayerType<Scaled> type() { return TYPE; }
 *
 *   public Graph.Value lower(Graph graph, Graph.Value x) {
 *     return graph.pointwise(x, "scale", "scale_norm", out, Activation.RELU);
 *   }
 * }
 * }</pre>
 */
public non-sealed interface CustomLayer extends Layer {}
