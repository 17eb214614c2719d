package dev.sextant.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.xml.sax.SAXException;

class ChartsTest {
  private static Document parsed(String svg)
      throws ParserConfigurationException, IOException, SAXException {
    assertTrue(!svg.contains("NaN") && !svg.contains("Infinity"), svg);
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void drawsABarForEachRowWithAPeer() throws Exception {
    List<Row> rows =
        List.of(
            new Row("gemm <1> & more", MeasuredTest.of(1), MeasuredTest.of(3)),
            new Row("slower", MeasuredTest.of(4), MeasuredTest.of(1)),
            new Row("alone", MeasuredTest.of(4), null));
    Document chart = parsed(RatioChart.of("machine", rows));
    // The ground and two bars.
    assertEquals(3, chart.getElementsByTagName("rect").getLength());
  }

  @Test
  void drawsATableOfNothing() throws Exception {
    assertEquals(
        1, parsed(RatioChart.of("empty", List.of())).getElementsByTagName("rect").getLength());
  }

  @Test
  void drawsAPointForEachValueOfEachSweep() throws Exception {
    List<Scaling.Sweep> sweeps = Scaling.sweeps(2);
    List<Scaling.Curve> curves =
        sweeps.stream()
            .map(
                sweep -> {
                  List<Double> times = sweep.values().stream().map(v -> 0.5 * v).toList();
                  return new Scaling.Curve(sweep, times, times);
                })
            .toList();
    int points = sweeps.stream().mapToInt(sweep -> sweep.values().size()).sum();
    Document chart = parsed(Scaling.chart(curves));
    assertEquals(2 * points, chart.getElementsByTagName("circle").getLength());
    assertTrue(Scaling.table(curves).contains("1.00x"));
  }

  @Test
  void drawsASingleThreadWithoutAPeer() throws Exception {
    Scaling.Sweep sweep = Scaling.sweeps(1).getLast();
    assertEquals(List.of(1), sweep.values());
    Scaling.Curve curve =
        new Scaling.Curve(sweep, Collections.nCopies(1, 2.0), Collections.emptyList());
    assertEquals(
        1, parsed(Scaling.chart(List.of(curve))).getElementsByTagName("circle").getLength());
  }
}
