/** A cost from a file: {@code --cost energy --table energy.csv}. */
module dev.example.cost {
  requires dev.sextant.search;
  requires de.siegmar.fastcsv;

  provides dev.sextant.nas.cost.CostProvider with
      dev.example.cost.EnergyCost;
}
