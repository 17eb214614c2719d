package dev.example.cost;

import dev.sextant.nas.cost.CostModel;
import dev.sextant.nas.cost.CostProvider;
import dev.sextant.nas.cost.CostRequest;
import dev.sextant.nas.cost.CostUnit;
import dev.sextant.nas.provider.Options;
import dev.sextant.tensor.SextantException;
import java.nio.file.Path;

/** Energy by a table of layers. */
public final class EnergyCost implements CostProvider {
  static final CostUnit MILLIJOULES = new CostUnit("energy", "mJ", false);

  @Override
  public String id() {
    return "energy";
  }

  @Override
  public String summary() {
    return "energy by a table of layers, --table FILE.csv";
  }

  @Override
  public CostUnit unit() {
    return MILLIJOULES;
  }

  @Override
  public CostModel model(CostRequest request) {
    Path table = request.table();
    if (table == null) {
      throw new SextantException("cost energy: give its table, --table FILE.csv");
    }
    return EnergyTable.read(table);
  }

  @Override
  public CostModel read(Path directory, Options options) {
    return EnergyTable.read(directory.resolve(EnergyTable.FILE));
  }
}
