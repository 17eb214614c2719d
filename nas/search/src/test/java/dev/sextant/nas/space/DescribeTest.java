package dev.sextant.nas.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.sextant.runtime.Architectures;
import org.junit.jupiter.api.Test;

class DescribeTest {
  private static final Space TINY =
      Space.parse(
          """
          {"format": "sextant-space/1", "name": "tiny", "classes": 10,
           "input": {"height": 8, "width": 8, "channels": 3},
           "layers": [
             {"op": "conv", "kernel": 3, "stride": 2, "out": 8},
             {"choice": [{"op": "mbconv", "kernel": 3, "expand": 3}, {"op": "skip"}]},
             {"op": "global-avg-pool"}, {"op": "linear", "out": 10}]}
          """,
          "tiny.json");

  @Test
  void tableOfASpace() {
    assertEquals(
        """
        tiny: 8x8x3, 10 classes
        #  layer            output  parameters        MACs
        0  conv 3x3 s2       4x4x8         232       3,456
        1  choice of 2       4x4x8    0 to 712  0 to 9,600
             mbconv 3x3 e3, skip
        2  global-avg-pool       8           0           0
        3  linear               10          90          80
        networks: 2 from 1 choices, of 322 to 1,034 parameters and 3,536 to 13,136 MACs
        supernet with all candidates: 1,034 parameters
        """,
        Describe.text(TINY));
  }

  @Test
  void tableOfAnArchitecture() {
    assertEquals(
        """
        tiny: 8x8x3, 10 classes
        #  layer            output  parameters   MACs
        0  conv 3x3 s2       4x4x8         232  3,456
        1  mbconv 3x3 e3     4x4x8         712  9,600
        2  global-avg-pool       8           0      0
        3  linear               10          90     80
        total: 1,034 parameters, 13,136 MACs
        """,
        Describe.text(TINY.derive(new int[] {0})));
  }

  @Test
  void jsonOfASpace() {
    assertEquals(
        """
        {
          "kind": "space",
          "name": "tiny",
          "classes": 10,
          "input": {"height": 8, "width": 8, "channels": 3},
          "size": "2",
          "choices": 1,
          "supernet-parameters": 1034,
          "parameters": {"minimum": 322, "maximum": 1034},
          "macs": {"minimum": 3536, "maximum": 13136},
          "positions": [
            {"layer": "conv 3x3 s2", "output": [4, 4, 8], "parameters": 232, "macs": 3456},
            {
              "choice": [
                {"layer": "mbconv 3x3 e3", "output": [4, 4, 8], "parameters": 712, "macs": 9600},
                {"layer": "skip", "output": [4, 4, 8], "parameters": 0, "macs": 0}
              ]
            },
            {"layer": "global-avg-pool", "output": [8], "parameters": 0, "macs": 0},
            {"layer": "linear", "output": [10], "parameters": 90, "macs": 80}
          ]
        }
        """,
        Describe.json(TINY));
  }

  @Test
  void publishedNumbersAppear() {
    String text = Describe.text(Architectures.named("proxyless-mobile"));
    assertTrue(text.endsWith("total: 4,080,512 parameters, 320,427,584 MACs\n"), text);
    JsonObject json =
        JsonParser.parseString(Describe.json(Architectures.named("proxyless-mobile")))
            .getAsJsonObject();
    assertEquals("architecture", json.get("kind").getAsString());
    assertEquals(4_080_512, json.get("parameters").getAsLong());
    assertEquals(320_427_584, json.get("macs").getAsLong());
    assertEquals(24, json.getAsJsonArray("layers").size());
    String imagenet = Describe.text(Space.named("proxyless-imagenet"));
    assertTrue(imagenet.contains("networks: 221,502,229,807,900,608 from 21 choices"), imagenet);
    assertTrue(imagenet.endsWith("all candidates: 16,034,168 parameters\n"), imagenet);
  }
}
