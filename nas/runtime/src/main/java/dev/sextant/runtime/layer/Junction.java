package dev.sextant.runtime.layer;

import dev.sextant.runtime.graph.Graph;
import java.util.List;

/**
 * Where the chain of layers parts or meets: {@code fork, A, next, B, sum} is A(x) + B(x), and A and
 * B, which may be empty, can fork again. What a sum takes in has one height and width; where one
 * branch is narrower, its missing channels are zero (the shortcuts of PyramidNet, Han et al.,
 * 2017). Alone, a junction gives its input; what a chain with junctions computes stands in {@link
 * dev.sextant.runtime.Branches}.
 *
 * @param kind whether the chain parts, goes on with the next branch, or meets
 */
public record Junction(Kind kind) implements Layer {
  /** {@code "fork"}. */
  public static final LayerType<Junction> FORK = type("fork", Kind.FORK);

  /** {@code "next"}. */
  public static final LayerType<Junction> NEXT = type("next", Kind.NEXT);

  /** {@code "sum"}. */
  public static final LayerType<Junction> SUM = type("sum", Kind.SUM);

  /** What happens. */
  public enum Kind {
    /** A branch begins. */
    FORK,
    /** The next branch begins, with the input that the fork had. */
    NEXT,
    /** The branches end in their sum. */
    SUM
  }

  private static LayerType<Junction> type(String op, Kind kind) {
    return LayerType.of(op, Junction.class, List.of(), _ -> new Junction(kind))
        .notACandidate(op + " cannot be a candidate")
        .describedAs("fork, A, next, B, sum is A(x) + B(x).");
  }

  @Override
  public LayerType<Junction> type() {
    return switch (kind) {
      case FORK -> FORK;
      case NEXT -> NEXT;
      case SUM -> SUM;
    };
  }

  /** Alone, as it is timed: a sum of its input and itself. */
  @Override
  public Graph.Value lower(Graph graph, Graph.Value x) {
    return kind == Kind.SUM ? graph.sum(x, x) : x;
  }

  @Override
  public boolean isFree() {
    return kind != Kind.SUM;
  }
}
