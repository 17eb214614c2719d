package dev.sextant.kernels.ptx;

import it.unimi.dsi.fastutil.objects.Object2IntMap;
import it.unimi.dsi.fastutil.objects.Object2IntOpenHashMap;
import it.unimi.dsi.fastutil.objects.Object2IntRBTreeMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** The text of a kernel being written: its registers, shared arrays, labels and lines. */
final class Listing {
  /** Special registers: a variable may not have such a name, nor one of a temporary. */
  private static final Set<String> RESERVED =
      Set.of(
          "tid", "ntid", "ctaid", "nctaid", "laneid", "warpid", "nwarpid", "smid", "nsmid",
          "gridid", "clock", "envreg", "pm");

  private final Object2IntRBTreeMap<String> temporaries = new Object2IntRBTreeMap<>();
  private final Map<String, StringBuilder> variables = new LinkedHashMap<>();
  private final Set<String> names = new HashSet<>();
  private final Object2IntOpenHashMap<String> labels = new Object2IntOpenHashMap<>();
  private final StringBuilder shared = new StringBuilder();
  private final StringBuilder body = new StringBuilder();
  private int depth;
  private String guard = "";

  /** A register without a name of its own, such as {@code %f7} for type {@code .f32}. */
  String temporary(String type, char prefix) {
    int index = temporaries.addTo(type + " %" + prefix, 1);
    return "%" + prefix + index;
  }

  /** A register named for the reader; a number is added where the name is taken. */
  String variable(String type, String name) {
    if (RESERVED.contains(name) || !name.matches("(?![frdp]\\d+$)[a-zA-Z][a-zA-Z0-9_]*")) {
      throw new IllegalArgumentException("not a name for a register: " + name);
    }
    String unique = unique(name);
    variables
        .computeIfAbsent(type, key -> new StringBuilder())
        .append(variables.get(type).isEmpty() ? "" : ", ")
        .append('%')
        .append(unique);
    return "%" + unique;
  }

  private String unique(String name) {
    String unique = name;
    for (int i = 1; !names.add(unique); i++) {
      unique = name + "_" + i;
    }
    return unique;
  }

  /** A label not used yet. */
  String label(String name) {
    int count = labels.addTo(name, 1) + 1;
    return "$" + name + (count == 1 ? "" : "_" + count);
  }

  /** Declares an array, whose name no parameter may have. */
  void shared(String name, int bytes, String what) {
    if (!names.add(name)) {
      throw new IllegalArgumentException("declared twice: " + name);
    }
    shared.append("    .shared .align 16 .b8 %s[%d]; // %s\n".formatted(name, bytes, what));
  }

  /** Every instruction until {@link #guard} is called again has this in front. */
  void guard(String predicate) {
    guard = predicate.isEmpty() ? "" : "@" + predicate + " ";
  }

  boolean isGuarded() {
    return !guard.isEmpty();
  }

  void instruction(String format, Object... operands) {
    indent().append(guard).append(format.formatted(operands)).append(";\n");
  }

  void comment(String text) {
    indent().append("// ").append(text).append('\n');
  }

  void place(String label) {
    body.append("  ").append(label).append(":\n");
  }

  void nest(int levels) {
    depth += levels;
  }

  private StringBuilder indent() {
    return body.append("    ").append("  ".repeat(depth));
  }

  /** Declarations, then lines. */
  String text() {
    StringBuilder text = new StringBuilder();
    for (Object2IntMap.Entry<String> counted : temporaries.object2IntEntrySet()) {
      text.append("    .reg %s<%d>;\n".formatted(counted.getKey(), counted.getIntValue()));
    }
    variables.forEach((type, list) -> text.append("    .reg %s %s;\n".formatted(type, list)));
    return text.append(shared).append('\n').append(body).toString();
  }

  /** A float constant: exact in hexadecimal. */
  static String constant(float value) {
    return "0f%08X".formatted(Float.floatToRawIntBits(value));
  }
}
