package dev.sextant.nas.cost;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sextant.nas.measure.HostTimes;
import dev.sextant.nas.measure.Machine;
import dev.sextant.nas.space.Space;
import dev.sextant.nas.workers.Cluster;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.SextantException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class FleetTest {
  @Test
  void aHostWhoseAnchorsDisagreeIsNamedAndLeftOut() {
    HostTimes times = new HostTimes();
    boolean[] anchors = HostTimes.anchors(30);
    for (int i = 0; i < 30; i++) {
      double ms = 1 + i;
      if (anchors[i] || i % 3 != 0) {
        times.add("a", i, ms * 1.02);
        times.add("a", i, ms * 1.5);
      }
      if (anchors[i] || i % 3 != 1) {
        times.add("b", i, ms);
      }
      if (anchors[i] || i % 3 != 2) {
        times.add("c", i, ms * 0.99);
      }
      if (anchors[i]) {
        times.add("slow", i, ms * 2);
      }
    }
    HostTimes.Agreed agreed = times.agreed(30);
    assertEquals(List.of("a", "b", "c"), agreed.hosts());
    assertEquals(1, agreed.leftOut().size());
    assertTrue(agreed.leftOut().getFirst().startsWith("slow is left out"));
    assertTrue(agreed.spread() > 0.005 && agreed.spread() < 0.04, "" + agreed.spread());
    double[] expected = new double[30];
    for (int i = 0; i < 30; i++) {
      expected[i] = 1 + i;
    }
    assertArrayEquals(expected, agreed.ms(), 0.5);
    HostTimes alone = new HostTimes();
    alone.add("a", 0, 1);
    assertThrows(SextantException.class, () -> alone.agreed(2));
  }

  @Test
  void aFleetOfThisMachineMeasuresATable() {
    Space space =
        Space.parse(
            """
            {"format": "sextant-space/1", "name": "tiny", "classes": 4,
             "input": {"height": 8, "width": 8, "channels": 1},
             "layers": [
               {"choice": [{"op": "mbconv", "kernel": 3, "expand": 3, "act": "relu6"},
                           {"op": "mbconv", "kernel": 5, "expand": 6, "act": "relu6"}], "out": 4},
               {"op": "global-avg-pool"}, {"op": "linear", "out": 4}]}
            """,
            "tiny");
    List<String> told = new ArrayList<>();
    LatencyTable table =
        new Fleet(Cluster.HERE, Device.CPU, 1, 0.01, told::add).table(space, 1, 2, 0);
    assertEquals(LatencyProfiler.keys(space), List.copyOf(table.entries().keySet()));
    assertTrue(told.getFirst().contains(Machine.identity()), told::toString);
    table.costs(space);
  }
}
