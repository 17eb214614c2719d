package dev.sextant.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.sextant.tensor.CallScan;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * No class of any module makes text as the machine's locale has it: digests, keys, kernels, files
 * and names would differ from one country to another, and numbers on the screen would mix two ways
 * to write them.
 */
class MachineTextTest {
  private static final Pattern LOCALIZED =
      Pattern.compile(
          "java/lang/String\\.(formatted\\(.*|format\\(Ljava/lang/String;.*|to(Low|Upp)erCase\\(\\).*)"
              + "|java/io/(PrintStream|PrintWriter|Console)\\.(printf|format)\\(Ljava/lang/String;.*"
              + "|java/util/Formatter\\.<init>\\((?!.*Ljava/util/Locale;).*"
              + "|java/util/Locale\\.getDefault\\(.*|java/util/Scanner\\.<init>.*"
              + "|java/text/(NumberFormat|DecimalFormat|DecimalFormatSymbols|MessageFormat|SimpleDateFormat"
              + "|DateFormat|Collator)\\.(?!.*Ljava/util/Locale;).*"
              + "|java/time/format/DateTimeFormatter\\.(ofPattern\\(Ljava/lang/String;\\)|ofLocalized).*");

  @Test
  void noTextDependsOnTheLocale() {
    assertFalse(
        CallScan.calls(to -> to.startsWith("java/lang/String.format(Ljava/util/Locale;")).isEmpty(),
        "the scan sees nothing");
    TreeSet<String> found = new TreeSet<>();
    for (CallScan.Call call : CallScan.calls(LOCALIZED.asMatchPredicate())) {
      found.add(call.from() + " calls " + call.to());
    }
    assertEquals(List.of(), List.copyOf(found), "give Locale.ROOT");
  }
}
