package dev.sextant.nas.report.page;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Colors of the palette are told apart by those who lack a kind of cone too, and stand out from the
 * page, light and dark.
 */
class PaletteTest {
  /**
   * Linear red, green and blue as they are seen: by most, and without cones for long, medium and
   * short waves (Machado, Oliveira, Fernandes, 2009, severity 1).
   */
  private static final double[][][] EYES = {
    {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
    {
      {0.152286, 1.052583, -0.204868},
      {0.114503, 0.786281, 0.099216},
      {-0.003882, -0.048116, 1.051998}
    },
    {
      {0.367322, 0.860646, -0.227968},
      {0.280085, 0.672501, 0.047413},
      {-0.011820, 0.042940, 0.968881}
    },
    {
      {1.255528, -0.076749, -0.178779},
      {-0.078411, 0.930809, 0.147602},
      {0.004733, 0.691367, 0.303900}
    }
  };

  /** In CIELAB, where 2.3 is just noticeable. */
  private static final double APART = 12;

  /** Of drawings beside what is behind them (WCAG 2.2, 1.4.11). */
  private static final double CONTRAST = 3;

  private static List<String> colors(String style, String name) {
    return Pattern.compile("--" + name + ": (#[0-9a-f]{6})")
        .matcher(style)
        .results()
        .map(match -> match.group(1))
        .toList();
  }

  private static double[] linear(String color) {
    double[] linear = new double[3];
    for (int i = 0; i < 3; i++) {
      double value = Integer.parseInt(color.substring(2 * i + 1, 2 * i + 3), 16) / 255.0;
      linear[i] = value <= 0.04045 ? value / 12.92 : Math.pow((value + 0.055) / 1.055, 2.4);
    }
    return linear;
  }

  private static double luminance(double[] rgb) {
    return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
  }

  private static double root(double t) {
    return t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16.0 / 116;
  }

  private static double[] lab(double[] rgb, double[][] eye) {
    double[] seen = new double[3];
    for (int i = 0; i < 3; i++) {
      for (int j = 0; j < 3; j++) {
        seen[i] += eye[i][j] * rgb[j];
      }
    }
    double x = root(Math.max(0, 0.4124 * seen[0] + 0.3576 * seen[1] + 0.1805 * seen[2]) / 0.9505);
    double y = root(Math.max(0, luminance(seen)));
    double z = root(Math.max(0, 0.0193 * seen[0] + 0.1192 * seen[1] + 0.9505 * seen[2]) / 1.089);
    return new double[] {116 * y - 16, 500 * (x - y), 200 * (y - z)};
  }

  @Test
  void everyPairDiffersInEveryEye() {
    String style = Page.open("").close().close().finish();
    for (int scheme = 0; scheme < 2; scheme++) {
      double page = luminance(linear(colors(style, "page").get(scheme)));
      for (int a = 0; a < Page.COLORS; a++) {
        assertEquals(2, colors(style, "c" + a).size());
        double[] first = linear(colors(style, "c" + a).get(scheme));
        double bright = Math.max(page, luminance(first)) + 0.05;
        double dark = Math.min(page, luminance(first)) + 0.05;
        assertTrue(bright / dark >= CONTRAST, "c" + a + " of scheme " + scheme);
        for (int b = 0; b < a; b++) {
          double[] second = linear(colors(style, "c" + b).get(scheme));
          for (double[][] eye : EYES) {
            double[] p = lab(first, eye);
            double[] q = lab(second, eye);
            double apart = Math.hypot(Math.hypot(p[0] - q[0], p[1] - q[1]), p[2] - q[2]);
            assertTrue(
                apart >= APART, "c" + a + " and c" + b + " of scheme " + scheme + ": " + apart);
          }
        }
      }
    }
  }
}
