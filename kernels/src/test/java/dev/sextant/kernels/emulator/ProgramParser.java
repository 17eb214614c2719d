package dev.sextant.kernels.emulator;

import dev.sextant.kernels.emulator.Program.Constant;
import dev.sextant.kernels.emulator.Program.SharedArray;
import dev.sextant.kernels.ptx.Kernel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads the text of a module: what the driver is given, not what the assembler meant. Knows what
 * the kernels use of PTX and refuses anything else.
 */
final class ProgramParser {
  private static final Pattern REGISTERS = Pattern.compile("\\.reg \\.(f32|b32|b64|pred) (.*)");
  private static final Pattern RANGE = Pattern.compile("(%[a-z]+)<(\\d+)>");
  private static final Pattern SHARED =
      Pattern.compile("\\.shared \\.align (\\d+) \\.b8 (\\w+)\\[(\\d+)]");
  private static final Pattern PARAMETER = Pattern.compile("\\.param (\\.\\w+) (\\w+),?");
  private static final Pattern INSTRUCTION =
      Pattern.compile("(?:@(!?)(%\\w+) )?([a-z][\\w.]*)(?: (.*))?");
  private static final Pattern OPERAND = Pattern.compile("\\{[^}]*}|\\[[^]]*]|[^,\\s]+");
  private static final Pattern ADDRESS = Pattern.compile("\\[([%\\w]+)(?:\\+(\\d+))?]");

  private final Kernel kernel;
  private final Map<String, Integer> registers = new HashMap<>();
  private final Map<String, Character> types = new HashMap<>();
  private final Map<Character, Integer> counts = new HashMap<>();
  private final Map<String, Integer> labels = new HashMap<>();
  private final Map<Integer, String> jumps = new HashMap<>();
  private final List<Constant> constants = new ArrayList<>();
  private final List<SharedArray> sharedArrays = new ArrayList<>();
  private final List<Instruction> instructions = new ArrayList<>();
  private final int[] specials = new int[Program.SPECIALS.size()];
  private int parameters;
  private int line;

  private ProgramParser(Kernel kernel) {
    this.kernel = kernel;
    Arrays.fill(specials, -1);
  }

  static Program parse(Kernel kernel) {
    return new ProgramParser(kernel).parse();
  }

  private Program parse() {
    boolean inBody = false;
    for (String raw : kernel.text().split("\n")) {
      line++;
      int comment = raw.indexOf("//");
      String text = (comment < 0 ? raw : raw.substring(0, comment)).strip();
      if (text.equals("{")) {
        inBody = true;
      } else if (text.equals("}")) {
        inBody = false;
      } else if (inBody && !text.isEmpty()) {
        body(text);
      } else if (!text.isEmpty()) {
        head(text);
      }
    }
    if (parameters != kernel.parameters().size()) {
      throw error("%d parameters, not %d".formatted(parameters, kernel.parameters().size()));
    }
    jumps.forEach((index, label) -> instructions.get(index).target = target(label));
    return new Program(
        kernel.name(),
        instructions.toArray(Instruction[]::new),
        count('F'),
        count('B'),
        count('D'),
        count('P'),
        List.copyOf(constants),
        specials,
        List.copyOf(sharedArrays));
  }

  private int target(String label) {
    Integer target = labels.get(label);
    if (target == null) {
      throw error("no label " + label);
    }
    return target;
  }

  private void head(String text) {
    Matcher parameter = PARAMETER.matcher(text);
    if (parameter.matches()) {
      if (parameters == kernel.parameters().size()
          || !kernel.parameters().get(parameters).name().equals(parameter.group(2))
          || !kernel.parameters().get(parameters).type().suffix().equals(parameter.group(1))) {
        throw error("parameter " + parameters + " is not what the kernel says");
      }
      parameters++;
    } else if (!text.matches("\\.version .*|\\.target sm_70|\\.address_size 64|\\)|\\.maxntid .*")
        && !text.equals(".visible .entry " + kernel.name() + "(")) {
      throw error("not known: " + text);
    }
  }

  private void body(String text) {
    if (text.startsWith("$") && text.endsWith(":")) {
      String label = text.substring(0, text.length() - 1);
      if (labels.put(label, instructions.size()) != null) {
        throw error("a second label " + label);
      }
      return;
    }
    if (!text.endsWith(";")) {
      throw error("no semicolon: " + text);
    }
    String statement = text.substring(0, text.length() - 1);
    if (!statement.startsWith(".")) {
      instruction(statement);
      return;
    }
    Matcher declaration = REGISTERS.matcher(statement);
    Matcher array = SHARED.matcher(statement);
    if (declaration.matches()) {
      declare(declaration.group(1), declaration.group(2));
    } else if (array.matches()) {
      share(array.group(2), Integer.parseInt(array.group(1)), Integer.parseInt(array.group(3)));
    } else {
      throw error("not known: " + text);
    }
  }

  private void share(String name, int align, int bytes) {
    int start = 0;
    if (!sharedArrays.isEmpty()) {
      start = sharedArrays.getLast().address() + sharedArrays.getLast().bytes();
    }
    sharedArrays.add(new SharedArray(name, (start + align - 1) / align * align, bytes));
  }

  private void declare(String type, String names) {
    char file =
        switch (type) {
          case "f32" -> 'F';
          case "b32" -> 'B';
          case "b64" -> 'D';
          default -> 'P';
        };
    for (String name : names.split(", ")) {
      Matcher range = RANGE.matcher(name);
      if (range.matches()) {
        for (int i = 0; i < Integer.parseInt(range.group(2)); i++) {
          register(range.group(1) + i, file);
        }
      } else {
        register(name, file);
      }
    }
  }

  private int register(String name, char file) {
    int number = counts.merge(file, 1, Integer::sum) - 1;
    if (types.put(name, file) != null) {
      throw error("declared twice: " + name);
    }
    registers.put(name, number);
    return number;
  }

  private int count(char file) {
    return counts.getOrDefault(file, 0);
  }

  private void instruction(String text) {
    Matcher matcher = INSTRUCTION.matcher(text);
    if (!matcher.matches()) {
      throw error("not an instruction: " + text);
    }
    Opcode opcode = Opcode.of(matcher.group(3));
    if (opcode == null) {
      throw error("instruction not known: " + text);
    }
    List<String> operands = new ArrayList<>();
    if (matcher.group(4) != null) {
      Matcher operand = OPERAND.matcher(matcher.group(4));
      while (operand.find()) {
        operands.add(operand.group());
      }
    }
    if (operands.size() != (opcode == Opcode.SHFL ? 5 : opcode.operands.length())) {
      throw error("wrong number of operands: " + text);
    }
    int guard = matcher.group(2) == null ? -1 : operand(matcher.group(2), 'P');
    boolean negated = "!".equals(matcher.group(1));
    decode(opcode, matcher.group(3), text, guard, negated, operands);
  }

  private void decode(
      Opcode opcode, String name, String text, int guard, boolean negated, List<String> operands) {
    int[] numbers = {};
    int address = -1;
    int offset = 0;
    switch (opcode) {
      case LD_PARAM_U64, LD_PARAM_S32, LD_PARAM_F32 -> {
        numbers = new int[] {operand(operands.get(0), opcode.operands.charAt(0))};
        offset = parameter(operands.get(1), name.substring("ld.param".length()));
      }
      case LD_GLOBAL_F32, LD_GLOBAL_NC_F32, LD_SHARED_F32, LD_GLOBAL_B32 -> {
        numbers = list(operands.get(0), name);
        address = address(operands.get(1), name);
        offset = byteOffset(operands.get(1));
      }
      case ST_GLOBAL_F32, ST_SHARED_F32 -> {
        numbers = list(operands.get(1), name);
        address = address(operands.get(0), name);
        offset = byteOffset(operands.get(0));
      }
      case SHFL -> {
        if (!operands.get(3).equals("31") || !operands.get(4).equals("-1")) {
          throw error("only whole warps are exchanged: " + text);
        }
        char type = types.getOrDefault(operands.get(0), '?');
        numbers =
            new int[] {
              operand(operands.get(0), type),
              operand(operands.get(1), type),
              Integer.parseInt(operands.get(2)),
              type
            };
      }
      case BRA -> jumps.put(instructions.size(), operands.get(0));
      case BAR -> {
        if (!operands.get(0).equals("0") || guard >= 0) {
          throw error("only bar.sync 0 without a predicate: " + text);
        }
      }
      default -> {
        numbers = new int[operands.size()];
        for (int i = 0; i < numbers.length; i++) {
          numbers[i] = operand(operands.get(i), opcode.operands.charAt(i));
          if (i == 0 && !types.containsKey(operands.get(0))) {
            throw error("writes to what is no register: " + text);
          }
        }
      }
    }
    instructions.add(new Instruction(opcode, line, text, guard, negated, numbers, address, offset));
  }

  private int parameter(String operand, String type) {
    for (int i = 0; i < kernel.parameters().size(); i++) {
      if (operand.equals("[" + kernel.parameters().get(i).name() + "]")
          && kernel.parameters().get(i).type().suffix().equals(type)) {
        return kernel.parameterOffsets()[i];
      }
    }
    throw error("no parameter %s of type %s".formatted(operand, type));
  }

  private int[] list(String operand, String name) {
    String[] names = operand.replaceAll("[{}]", "").split(", ");
    int lanes = name.contains(".v4") ? 4 : name.contains(".v2") ? 2 : 1;
    if (names.length != lanes) {
      throw error("%s of %d registers".formatted(name, names.length));
    }
    char type = name.endsWith(".b32") ? 'B' : 'F';
    return Arrays.stream(names).mapToInt(n -> operand(n, type)).toArray();
  }

  private int address(String operand, String name) {
    Matcher matcher = ADDRESS.matcher(operand);
    if (!matcher.matches()) {
      throw error("not an address: " + operand);
    }
    return operand(matcher.group(1), name.contains(".shared") ? 'B' : 'D');
  }

  private static int byteOffset(String operand) {
    Matcher matcher = ADDRESS.matcher(operand);
    return matcher.matches() && matcher.group(2) != null ? Integer.parseInt(matcher.group(2)) : 0;
  }

  /** The register of an operand, which a constant gets when it is met first. */
  private int operand(String text, char type) {
    Integer known = registers.get(text + (types.containsKey(text) ? "" : " " + type));
    if (known != null) {
      if (types.containsKey(text) && types.get(text) != type) {
        throw error("%s is a register of type %s, not %s".formatted(text, types.get(text), type));
      }
      return known;
    }
    int special = Program.SPECIALS.indexOf(text);
    if (special >= 0 && type == 'B') {
      specials[special] = register(text, 'B');
      return specials[special];
    }
    int number = counts.merge(type, 1, Integer::sum) - 1;
    registers.put(text + " " + type, number);
    constants.add(new Constant(type, number, bits(text, type)));
    return number;
  }

  private long bits(String text, char type) {
    if (type == 'F' && text.matches("0f[0-9A-F]{8}")) {
      return Integer.parseUnsignedInt(text.substring(2), 16);
    }
    if (type == 'B' || type == 'D') {
      for (SharedArray array : sharedArrays) {
        if (array.name().equals(text) && type == 'B') {
          return array.address();
        }
      }
      if (text.matches("-?\\d+")) {
        return Long.parseLong(text);
      }
    }
    throw error("not an operand of type %s: %s".formatted(type, text));
  }

  private EmulationException error(String message) {
    return new EmulationException("%s, line %d: %s".formatted(kernel.name(), line, message));
  }
}
