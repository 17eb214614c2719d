package dev.sextant.nas.provider;

import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.cost.CostProvider;
import dev.sextant.nas.cost.CostRequest;
import dev.sextant.nas.cost.CostUnit;
import dev.sextant.nas.cost.LayerPrices;
import dev.sextant.runtime.layer.Layer;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Energy by a CSV of {@code layer,mJ}, a price for each label of a layer, kept in the run. */
public final class EnergyCost implements CostProvider {
  private static final CostUnit MILLIJOULES = new CostUnit("energy", "mJ", false);
  private static final String FILE = "energy.csv";

  @Override
  public String id() {
    return "test-energy";
  }

  @Override
  public String summary() {
    return "energy by a CSV of layers";
  }

  @Override
  public List<Option> options() {
    return List.of(
        Option.text("file", "", "CSV of layer,mJ"),
        Option.number("idle", 0, 0, 1e6, "mJ besides the layers"));
  }

  @Override
  public CostUnit unit() {
    return MILLIJOULES;
  }

  @Override
  public CostModel model(CostRequest request) {
    String file = request.options().text("file");
    if (file.isEmpty()) {
      throw new SextantException("cost test-energy: give its file, --set test-energy.file=FILE");
    }
    return new Energy(read(Path.of(file)), request.options().number("idle"));
  }

  @Override
  public CostModel read(Path directory, Options options) {
    return new Energy(read(directory.resolve(FILE)), options.number("idle"));
  }

  private static Map<String, Double> read(Path file) {
    try {
      Map<String, Double> prices = new LinkedHashMap<>();
      for (String line : Files.readAllLines(file)) {
        int comma = line.lastIndexOf(',');
        prices.put(line.substring(0, comma), Double.parseDouble(line.substring(comma + 1)));
      }
      return prices;
    } catch (IOException e) {
      throw new SextantException(file + ": cannot be read (" + e.getMessage() + ")", e);
    }
  }

  private static final class Energy extends LayerPrices {
    private final Map<String, Double> prices;
    private final double idle;

    Energy(Map<String, Double> prices, double idle) {
      this.prices = prices;
      this.idle = idle;
    }

    @Override
    protected double price(Layer layer, Shape input) {
      Double price = prices.get(layer.label());
      if (price == null) {
        throw new SextantException(
            "energy: layer %s on %s has no price".formatted(layer.label(), input));
      }
      return price;
    }

    @Override
    protected double fixed() {
      return idle;
    }

    @Override
    public CostUnit unit() {
      return MILLIJOULES;
    }

    @Override
    public void keep(Path directory) {
      StringBuilder text = new StringBuilder();
      prices.forEach((layer, mj) -> text.append(layer + "," + mj + "\n"));
      try {
        Files.writeString(directory.resolve(FILE), text);
      } catch (IOException e) {
        throw new SextantException(directory + ": cannot be written (" + e.getMessage() + ")", e);
      }
    }
  }
}
