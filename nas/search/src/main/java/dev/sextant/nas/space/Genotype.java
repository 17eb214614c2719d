package dev.sextant.nas.space;

import dev.sextant.runtime.layer.Cell.Edge;
import dev.sextant.runtime.layer.Cell.Kind;
import dev.sextant.runtime.layer.Cell.Node;
import dev.sextant.runtime.layer.Cell.Op;
import dev.sextant.tensor.SextantException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What a search of cells finds: the graphs of the normal and of the reduction cell.
 *
 * @param normal the nodes of cells of stride 1, from node 2 on
 * @param reduction the nodes of cells of stride 2
 */
public record Genotype(List<Node> normal, List<Node> reduction) {
  private static final Map<String, Op> PUBLISHED_OPS =
      Map.of(
          "max", new Op(Kind.MAX_POOL, 3),
          "avg", new Op(Kind.AVG_POOL, 3),
          "skip", new Op(Kind.IDENTITY, 0),
          "sep3", new Op(Kind.SEPARABLE, 3),
          "sep5", new Op(Kind.SEPARABLE, 5),
          "dil3", new Op(Kind.DILATED, 3),
          "dil5", new Op(Kind.DILATED, 5));

  /** DARTS, first order. */
  public static final Genotype DARTS_V1 =
      published(
          "sep3 1, sep3 0, skip 0, sep3 1, skip 0, sep3 1, sep3 0, skip 2",
          "max 0, max 1, skip 2, max 0, max 0, skip 2, skip 2, avg 0");

  /** DARTS, second order. */
  public static final Genotype DARTS_V2 =
      published(
          "sep3 0, sep3 1, sep3 0, sep3 1, sep3 1, skip 0, skip 0, dil3 2",
          "max 0, max 1, skip 2, max 1, max 0, skip 2, skip 2, max 1");

  /** PC-DARTS, searched on CIFAR-10. */
  public static final Genotype PC_DARTS_CIFAR =
      published(
          "sep3 1, skip 0, sep3 0, dil3 1, sep5 0, sep3 1, avg 0, dil3 1",
          "sep5 1, max 0, sep5 1, sep5 2, sep3 0, sep3 3, sep3 1, sep3 2");

  /** PC-DARTS, searched on ImageNet. */
  public static final Genotype PC_DARTS_IMAGENET =
      published(
          "skip 1, sep3 0, sep3 0, skip 1, sep3 1, sep3 3, sep3 1, dil5 4",
          "sep3 0, skip 1, dil5 2, max 1, sep3 2, sep3 1, sep5 0, sep3 3");

  /** Copies the lists. */
  public Genotype {
    normal = List.copyOf(normal);
    reduction = List.copyOf(reduction);
    if (normal.size() != reduction.size()) {
      throw new SextantException(
          "genotype: %d nodes in the normal cell, %d in the reduction cell"
              .formatted(normal.size(), reduction.size()));
    }
  }

  /** Two edges for each node, as the published code lists them. */
  private static Genotype published(String normal, String reduction) {
    return new Genotype(nodes(normal), nodes(reduction));
  }

  private static List<Node> nodes(String text) {
    List<Edge> edges = new ArrayList<>();
    for (String edge : text.split(", ")) {
      String[] words = edge.split(" ");
      Op op = PUBLISHED_OPS.get(words[0]);
      if (op == null) {
        throw new IllegalArgumentException(edge);
      }
      edges.add(new Edge(Integer.parseInt(words[1]), op));
    }
    List<Node> nodes = new ArrayList<>();
    for (int i = 0; i < edges.size(); i += 2) {
      nodes.add(new Node(edges.subList(i, i + 2)));
    }
    return nodes;
  }

  /**
   * {@return the nodes of cells of that stride}
   *
   * @param stride 1 for the normal cell, 2 for the reduction cell
   */
  public List<Node> nodes(int stride) {
    return stride == 1 ? normal : reduction;
  }
}
