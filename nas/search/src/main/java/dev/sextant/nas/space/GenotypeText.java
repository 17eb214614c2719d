package dev.sextant.nas.space;

import dev.sextant.runtime.json.JsonText;
import dev.sextant.runtime.layer.Cell;
import dev.sextant.runtime.layer.Cell.Edge;
import dev.sextant.runtime.layer.Cell.Kind;
import dev.sextant.runtime.layer.Cell.Node;
import dev.sextant.runtime.layer.Cell.Op;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * A genotype as DARTS and its followers print it and keep it in {@code genotypes.py}: {@code
 * Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=range(2, 6), reduce=[...],
 * reduce_concat=range(2, 6))}, with or without {@code NAME =} before it, comments and blanks
 * anywhere between words. Two edges lead to each node, and the nodes side by side are the output.
 *
 * @param name what it is assigned to; empty where it stands alone
 * @param genotype the cells
 */
public record GenotypeText(String name, Genotype genotype) {
  private static final Map<String, Op> OPS =
      Map.of(
          "max_pool_3x3", new Op(Kind.MAX_POOL, 3),
          "avg_pool_3x3", new Op(Kind.AVG_POOL, 3),
          "skip_connect", new Op(Kind.IDENTITY, 0),
          "sep_conv_3x3", new Op(Kind.SEPARABLE, 3),
          "sep_conv_5x5", new Op(Kind.SEPARABLE, 5),
          "sep_conv_7x7", new Op(Kind.SEPARABLE, 7),
          "dil_conv_3x3", new Op(Kind.DILATED, 3),
          "dil_conv_5x5", new Op(Kind.DILATED, 5));

  private static final int EDGES = 2;

  private static final Pattern BLANK = Pattern.compile("(?:\\s|#[^\\n]*+)");
  private static final Pattern HEAD = Pattern.compile("(?:(\\w{1,64})=)?Genotype\\(");
  private static final Pattern FIELD = Pattern.compile("(normal|reduce)(_concat)?=");
  private static final Pattern EDGE = Pattern.compile("\\(['\"](\\w{1,32})['\"],(\\d{1,3}),?\\)");
  private static final Pattern RANGE = Pattern.compile("range\\((\\d{1,3}),(\\d{1,3})\\)");
  private static final Pattern NUMBER = Pattern.compile("(\\d{1,3})");
  private static final Pattern OPEN = Pattern.compile("\\[");
  private static final Pattern CLOSE = Pattern.compile("\\]");
  private static final Pattern COMMA = Pattern.compile(",");
  private static final Pattern END = Pattern.compile("\\)$");

  /** What is left of a text without blanks and comments. */
  private static final class Words {
    private final Matcher matcher;
    private int at;

    Words(String text) {
      matcher = HEAD.matcher(BLANK.matcher(text).replaceAll(""));
    }

    /** Whether the next word is such a one, which is then behind. */
    boolean take(Pattern pattern) {
      matcher.usePattern(pattern).region(at, matcher.regionEnd());
      if (!matcher.lookingAt()) {
        return false;
      }
      at = matcher.end();
      return true;
    }

    String part(int group) {
      String part = matcher.group(group);
      return part == null ? "" : part;
    }

    int number(int group) {
      return Integer.parseInt(part(group));
    }
  }

  /**
   * {@return the genotype in a file; none where the file does not look like one, and may be an
   * architecture}
   *
   * @param file of a text
   * @throws SextantException if it cannot be read, or naming what is wrong with the genotype
   */
  public static Optional<GenotypeText> read(Path file) {
    String text = JsonText.readFile(file);
    return text.stripLeading().startsWith("{") || !text.contains("Genotype(")
        ? Optional.empty()
        : Optional.of(parse(text, file.toString()));
  }

  /**
   * {@return the genotype of a text}
   *
   * @param text one genotype
   * @param source what errors call the text: a file name
   * @throws SextantException naming the source and what is wrong
   */
  public static GenotypeText parse(String text, String source) {
    try {
      return parse(new Words(text));
    } catch (SextantException e) {
      throw new SextantException(source + ": " + e.getMessage(), e);
    }
  }

  private static GenotypeText parse(Words words) {
    if (!words.take(HEAD)) {
      throw new SextantException("does not begin with [NAME =] Genotype(normal=[...], ...)");
    }
    String name = words.part(1);
    Map<String, List<Node>> cells = new HashMap<>();
    Map<String, List<Integer>> outputs = new HashMap<>();
    do {
      if (words.take(FIELD)) {
        String cell = words.part(1);
        boolean twice =
            words.part(2).isEmpty()
                ? cells.put(cell, nodes(cell, words)) != null
                : outputs.put(cell, concat(cell, words)) != null;
        if (twice) {
          throw new SextantException(cell + ": is given twice");
        }
      }
    } while (words.take(COMMA));
    if (!words.take(END)) {
      throw new SextantException(
          "a genotype has normal, normal_concat, reduce and reduce_concat, and nothing stands"
              + " behind it");
    }
    return new GenotypeText(
        name, new Genotype(cell("normal", cells, outputs), cell("reduce", cells, outputs)));
  }

  private static List<Node> nodes(String cell, Words words) {
    List<Edge> edges = new ArrayList<>();
    open(cell, words);
    while (!words.take(CLOSE)) {
      if (edges.size() == EDGES * Cell.MAX_NODES) {
        throw new SextantException(cell + ": has more than " + Cell.MAX_NODES + " nodes");
      }
      if (!words.take(EDGE)) {
        throw new SextantException(
            String.format(
                Locale.ROOT, "%s[%d]: is no ('op', number of a node)", cell, edges.size()));
      }
      Op op = OPS.get(words.part(1));
      if (op == null) {
        throw new SextantException(
            String.format(
                Locale.ROOT, "%s[%d]: no op is named %s here", cell, edges.size(), words.part(1)));
      }
      edges.add(new Edge(words.number(2), op));
      words.take(COMMA);
    }
    if (edges.size() % EDGES != 0) {
      throw new SextantException(
          String.format(
              Locale.ROOT, "%s: %d edges, and two lead to each node", cell, edges.size()));
    }
    return IntStream.range(0, edges.size() / EDGES)
        .mapToObj(i -> new Node(edges.subList(EDGES * i, EDGES * i + EDGES)))
        .toList();
  }

  /** The nodes that are the output, as a range or one by one. */
  private static List<Integer> concat(String cell, Words words) {
    if (words.take(RANGE)) {
      return IntStream.range(words.number(1), words.number(2)).boxed().toList();
    }
    List<Integer> nodes = new ArrayList<>();
    open(cell, words);
    while (!words.take(CLOSE)) {
      if (!words.take(NUMBER)) {
        throw new SextantException(cell + "_concat: is no list of nodes");
      }
      nodes.add(words.number(1));
      words.take(COMMA);
    }
    return nodes;
  }

  private static void open(String cell, Words words) {
    if (!words.take(OPEN)) {
      throw new SextantException(cell + ": no list stands behind its name");
    }
  }

  private static List<Node> cell(
      String cell, Map<String, List<Node>> cells, Map<String, List<Integer>> outputs) {
    List<Node> nodes = cells.get(cell);
    if (nodes == null) {
      throw new SextantException(cell + ": is missing");
    }
    List<Integer> all = IntStream.range(Cell.INPUTS, Cell.INPUTS + nodes.size()).boxed().toList();
    if (!outputs.getOrDefault(cell, all).equals(all)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "%s_concat: the output must be all nodes in order, %d to %d",
              cell,
              Cell.INPUTS,
              Cell.INPUTS + nodes.size() - 1));
    }
    try {
      // Says what is wrong with the graph, whatever the size of its networks.
      new Cell(nodes, 2, 1, null);
    } catch (SextantException e) {
      throw new SextantException(cell + ": " + e.getMessage(), e);
    }
    return nodes;
  }
}
