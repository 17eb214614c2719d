package dev.sextant.nas.csv;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.sextant.tensor.SextantException;
import java.lang.management.ManagementFactory;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("machine-text")
class CsvTableTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "#{\"a\": \"x;y\"}\nop,ms,n,t\nmb,0.25,3,true\n",
        "\uFEFF#{\"a\": \"x;y\"}\r\nop,ms,n,t\r\nmb,0.25,3,TRUE\r\n",
        "\uFEFFop;ms;n;t\r\n\"#{\"\"a\"\": \"\"x;y\"\"}\";;;\r\nmb;0,25;3;True\r\n\r\n",
        "\"#{\"\"a\"\": \"\"x;y\"\"}\";;;\r\nop;ms;n;t\r\n\"mb\";\"0,25\"; 3 ;true\r\n",
        "#{\"a\": \"x;y\"}\nop\tms\tn\tt\nmb\t2,5E-01\t3\ttrue",
      })
  void asProgramsAndSpreadsheetsWriteIt(String text) {
    CsvTable table = CsvTable.parse(text);
    assertEquals("{\"a\": \"x;y\"}", table.comment());
    assertEquals(List.of("op", "ms", "n", "t"), table.header());
    assertEquals(1, table.rows().size());
    CsvTable.Row row = table.rows().getFirst();
    assertEquals("mb", row.text("op"));
    assertEquals(0.25, row.number("ms"));
    assertEquals(3, row.whole("n"));
    assertTrue(row.truth("t"));
  }

  private static void refused(String text, String column, String part) {
    String message =
        assertThrows(
                SextantException.class, () -> CsvTable.parse(text).rows().getFirst().number(column))
            .getMessage();
    assertTrue(message.contains(part), message);
  }

  @Test
  void whatIsWrongIsSaidWithItsLine() {
    refused("a,b\n1\n", "b", "line 2: column b is missing");
    refused("a,b\n1,2\n", "c", "line 2: column c is missing");
    refused("# x\n\na,b\n1,x\n", "b", "line 4: b: 'x' is not a number");
    refused("a,b\n1,NaN\n", "b", "'NaN' is not a number");
    refused("a,b\n1,1d\n", "b", "'1d' is not a number");
    refused("a,b\n1,0x1p3\n", "b", "'0x1p3' is not a number");
    refused("a,b\n1,1e999\n", "b", "'1e999' is not a number");
    refused("a,b\n1,\"0,5\"\n", "b", "'0,5' is not a number");
    refused("a,a\n1,2\n", "a", "two columns 'a'");
    refused("a,b\n\"1,2\n", "b", "line 2");
    refused("a,b\n1,2,3\n", "b", "line 2: has 3 cells, the header 2");
    CsvTable.Row row = CsvTable.parse("a;b\n1,5;yes").rows().getFirst();
    assertThrows(SextantException.class, () -> row.whole("a"));
    assertThrows(SextantException.class, () -> row.truth("b"));
    assertEquals(List.of(), CsvTable.parse("").header());
  }

  /** Some 300 bytes a cell, which is a string and its place; the text itself a few times. */
  @Test
  void memoryIsLinearInTheText() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    for (String text : new String[] {"a,b\n" + "1,2\n".repeat(50_000), "#" + "x".repeat(200_000)}) {
      CsvTable.parse(text);
      long before = threads.getCurrentThreadAllocatedBytes();
      CsvTable.parse(text);
      long allocated = threads.getCurrentThreadAllocatedBytes() - before;
      assertTrue(allocated < 200L * text.length() + (1 << 20), allocated + " bytes");
    }
  }
}
