package dev.sextant.autograd.ops;

import static dev.sextant.autograd.Samples.array;
import static dev.sextant.autograd.Samples.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sextant.autograd.GradientCheck;
import dev.sextant.autograd.Samples;
import dev.sextant.autograd.Tape;
import dev.sextant.autograd.Variable;
import dev.sextant.tensor.Backend;
import dev.sextant.tensor.Backends;
import dev.sextant.tensor.Device;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Tensor;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Every op of {@link OpTable}: forward and gradients on the CPU (or another device) equal those of
 * the reference backend, and those of the reference equal central differences.
 */
final class OpTableTest {
  private static final Backend REFERENCE = Backend.reference();

  /** The CPU, or the device that {@code sextant gpu-check} runs this on. */
  private static final Backend DEVICE =
      Backends.open(Device.parse(System.getProperty("sextant.check.device", "cpu")), 2);

  @AfterAll
  static void closeBackends() {
    REFERENCE.close();
    DEVICE.close();
  }

  @TestFactory
  Stream<DynamicTest> gradientsEqualCentralDifferences() {
    return each(
        (name, line, shapes) -> {
          Tensor[] inputs = draw(REFERENCE, line, shapes);
          GradientCheck.check(name, REFERENCE, line.function(), 1e-2f, 2e-3f, inputs);
          close(inputs);
          assertEquals(0, REFERENCE.memory().current(), REFERENCE.memory()::largestHolders);
        });
  }

  @TestFactory
  Stream<DynamicTest> deviceEqualsReference() {
    return each(
        (name, line, shapes) -> {
          List<float[]> expected = run(REFERENCE, line, shapes);
          List<float[]> actual = run(DEVICE, line, shapes);
          for (int i = 0; i < expected.size(); i++) {
            String what = name + (i == 0 ? " output" : " gradient " + (i - 1));
            assertClose(what, expected.get(i), actual.get(i), 1e-5);
          }
          assertEquals(0, DEVICE.memory().current(), DEVICE.memory()::largestHolders);
          assertEquals(0, REFERENCE.memory().current(), REFERENCE.memory()::largestHolders);
        });
  }

  @Test
  void everyOpHasALine() throws Exception {
    Path classes = Path.of(Add.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    Assumptions.assumeTrue(Files.isDirectory(classes), "the ops lie in a jar");
    Set<String> ops = new TreeSet<>();
    try (Stream<Path> files = Files.list(classes.resolve("dev/sextant/autograd/ops"))) {
      for (Path file : files.toList()) {
        String name = file.getFileName().toString().replace(".class", "");
        if (!name.contains("$") && isPublic(name)) {
          ops.add(name);
        }
      }
    }
    Set<String> inTable = new TreeSet<>();
    OpTable.LINES.forEach(line -> inTable.add(line.op().getSimpleName()));
    assertEquals(ops, inTable);
  }

  private static boolean isPublic(String name) throws ClassNotFoundException {
    return Modifier.isPublic(Class.forName(Add.class.getPackageName() + "." + name).getModifiers());
  }

  private interface Body {
    void run(String name, OpTable.Line line, Shape[] shapes);
  }

  private static Stream<DynamicTest> each(Body body) {
    List<DynamicTest> tests = new ArrayList<>();
    for (OpTable.Line line : OpTable.LINES) {
      for (Shape[] shapes : line.cases()) {
        String name = line.op().getSimpleName() + " " + List.of(shapes);
        tests.add(DynamicTest.dynamicTest(name, () -> body.run(name, line, shapes)));
      }
    }
    return tests.stream();
  }

  private static Tensor[] draw(Backend backend, OpTable.Line line, Shape[] shapes) {
    Tensor[] inputs = new Tensor[shapes.length];
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = line.sampling().draw(backend, 31 + i, shapes[i]);
    }
    return inputs;
  }

  private static void close(Tensor[] tensors) {
    for (Tensor tensor : tensors) {
      tensor.close();
    }
  }

  /** The output and the gradient of each input. */
  private static List<float[]> run(Backend backend, OpTable.Line line, Shape[] shapes) {
    Tensor[] inputs = draw(backend, line, shapes);
    List<float[]> results = new ArrayList<>();
    try (Tape tape = new Tape(backend, Tape.Mode.TRAIN_STATELESS)) {
      Variable[] leaves = new Variable[inputs.length];
      for (int i = 0; i < leaves.length; i++) {
        leaves[i] = tape.leaf(inputs[i]);
      }
      Variable y = line.function().apply(tape, leaves);
      results.add(array(backend, y.value()));
      tape.backward(y, Samples.uniform(backend, 77, y.shape()));
      for (Variable leaf : leaves) {
        results.add(array(backend, leaf.gradient()));
      }
    }
    close(inputs);
    return results;
  }
}
