package dev.sextant.nas.method;

import dev.sextant.autograd.nn.Initializer;
import dev.sextant.nas.cells.CellParameters;
import dev.sextant.nas.cells.CellSupernet;
import dev.sextant.nas.space.CellNetworkSpace;
import dev.sextant.nas.space.Factoring;
import dev.sextant.nas.space.NestedChoice;
import dev.sextant.nas.space.SearchSpace;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.supernet.CollapsedSupernet;
import dev.sextant.nas.supernet.MultiPathSupernet;
import dev.sextant.nas.supernet.SuperkernelSupernet;
import dev.sextant.nas.supernet.Supernet;
import dev.sextant.tensor.SextantException;
import java.util.List;
import java.util.Locale;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * How candidates hold weights: {@code --supernet NAME}.
 *
 * @param <S> the class of its supernets
 */
public final class SupernetKind<S extends Supernet> {
  private static final String CHAIN = "proxyless-small";

  /** Each candidate its own. */
  public static final SupernetKind<MultiPathSupernet> MULTI_PATH =
      chain(
          "multi-path",
          "each candidate its own",
          MultiPathSupernet.class,
          MultiPathSupernet::check,
          MultiPathSupernet::new);

  /** Shared by the candidates. */
  public static final SupernetKind<CollapsedSupernet> COLLAPSED =
      chain(
          "collapsed", "shared", CollapsedSupernet.class, Factoring::grid, CollapsedSupernet::new);

  /** Inside the largest. */
  public static final SupernetKind<SuperkernelSupernet> SUPERKERNEL =
      chain(
          "superkernel",
          "inside the largest",
          SuperkernelSupernet.class,
          NestedChoice::of,
          SuperkernelSupernet::new);

  /** Mixtures of all ops on every edge of a cell. */
  public static final SupernetKind<CellSupernet> CELLS =
      cells("cells", "mixtures on edges", "darts-small", false);

  /** The same on a part of the channels, with weights of the edges (PC-DARTS). */
  public static final SupernetKind<CellSupernet> PARTIAL_CELLS =
      cells("partial-cells", "the same on a part of the channels", "pc-darts-small", true);

  /** All of them. */
  public static final List<SupernetKind<?>> ALL =
      List.of(MULTI_PATH, COLLAPSED, SUPERKERNEL, CELLS, PARTIAL_CELLS);

  private final String id;
  private final String summary;
  private final String space;
  private final Class<S> type;
  private final boolean cells;
  private final Consumer<SearchSpace> check;
  private final BiFunction<SearchSpace, Initializer, S> form;

  private SupernetKind(
      String id,
      String summary,
      String space,
      Class<S> type,
      boolean cells,
      Consumer<SearchSpace> check,
      BiFunction<SearchSpace, Initializer, S> form) {
    this.id = id;
    this.summary = summary;
    this.space = space;
    this.type = type;
    this.cells = cells;
    this.check = check;
    this.form = form;
  }

  private static <S extends Supernet> SupernetKind<S> chain(
      String id,
      String summary,
      Class<S> type,
      Consumer<Space> check,
      BiFunction<Space, Initializer, S> form) {
    return new SupernetKind<>(
        id,
        summary,
        CHAIN,
        type,
        false,
        space -> check.accept(chain(id, space)),
        (space, init) -> form.apply(chain(id, space), init));
  }

  private static Space chain(String id, SearchSpace space) {
    return switch (space) {
      case Space chain -> chain;
      case CellNetworkSpace cells -> {
        SupernetKind<?> fitting = isPartial(cells) ? PARTIAL_CELLS : CELLS;
        throw new SextantException(
            String.format(
                Locale.ROOT,
                "supernet %s with space %s: its networks are of cells (--supernet %s)",
                id,
                cells.name(),
                fitting.id));
      }
    };
  }

  private static SupernetKind<CellSupernet> cells(
      String id, String summary, String space, boolean partial) {
    return new SupernetKind<>(
        id,
        summary,
        space,
        CellSupernet.class,
        true,
        searched -> cells(id, partial, searched),
        (searched, init) ->
            new CellSupernet(CellParameters.zeros(cells(id, partial, searched).cells()), init));
  }

  private static CellNetworkSpace cells(String id, boolean partial, SearchSpace space) {
    if (!(space instanceof CellNetworkSpace networks)) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "supernet %s with space %s: it is a chain of layers (--space darts-small)",
              id,
              space.name()));
    }
    if (isPartial(networks) != partial) {
      throw new SextantException(
          String.format(
              Locale.ROOT,
              "supernet %s with space %s: its cells have %s (--supernet %s)",
              id,
              space.name(),
              partial ? "all channels" : "partial channels or edge weights",
              (partial ? CELLS : PARTIAL_CELLS).id));
    }
    return networks;
  }

  private static boolean isPartial(CellNetworkSpace space) {
    return space.cells().partial() > 1 || space.cells().edgeNormalized();
  }

  /**
   * {@return the kind of that name}
   *
   * @param name in whatever case
   * @throws SextantException if there is none, with the list of those there are
   */
  public static SupernetKind<?> named(String name) {
    return ALL.stream()
        .filter(kind -> kind.id.equals(name.toLowerCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(
            () ->
                new SextantException(
                    String.format(
                        Locale.ROOT,
                        "supernet: '%s' is none (there are %s)",
                        name,
                        ALL.stream().map(SupernetKind::id).collect(Collectors.joining(", ")))));
  }

  /** {@return what the command line and {@code run.json} call it} */
  public String id() {
    return id;
  }

  /** {@return what it is, in a few words} */
  public String summary() {
    return summary;
  }

  /** {@return the space that is searched with it where no other is given} */
  public String space() {
    return space;
  }

  /** {@return the class of its supernets} */
  public Class<S> type() {
    return type;
  }

  /** {@return whether it holds cells rather than a chain of layers} */
  public boolean hasCells() {
    return cells;
  }

  /**
   * Checks that it can hold a space.
   *
   * @param space the space to search
   * @throws SextantException if it cannot, with what to give instead
   */
  public void check(SearchSpace space) {
    check.accept(space);
  }

  /**
   * {@return a supernet of a space with fresh weights}
   *
   * @param space the space to search
   * @param init how fresh weights are drawn
   */
  public S supernet(SearchSpace space, Initializer init) {
    return form.apply(space, init);
  }

  @Override
  public String toString() {
    return id;
  }
}
