package dev.sextant.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.sextant.tensor.family.Expansions;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Every method of every family, those that will be added too, applies its rule first: called with
 * tensors of which no two have one shape, it throws a {@link SextantException} that names an
 * operation.
 */
interface MisuseContract extends ContractSubject {
  /** These can do their work whatever their one tensor is like. */
  Set<String> WITHOUT_RULE = Set.of("Elementwise.fill", "Elementwise.sum");

  @Test
  default void everyMethodOfEveryFamilyAppliesItsRule() throws ReflectiveOperationException {
    Set<String> accepted = new TreeSet<>();
    int refused = 0;
    for (Method accessor : methods(Backend.class)) {
      if (!isFamily(accessor.getReturnType())) {
        continue;
      }
      Object family = accessor.invoke(backend());
      for (Method method : methods(accessor.getReturnType())) {
        if (method.getReturnType() == Expansions.class) {
          continue;
        }
        if (refuses(method, family)) {
          refused++;
        } else {
          accepted.add(accessor.getReturnType().getSimpleName() + "." + method.getName());
        }
      }
    }
    assertEquals(WITHOUT_RULE, accepted);
    assertTrue(refused >= 47, "only " + refused + " methods");
    Expansions expansions = backend().bottleneck().expansions();
    if (expansions != null) {
      for (Method method : methods(Expansions.class)) {
        assertTrue(refuses(method, expansions), method::toString);
      }
    }
  }

  private static boolean isFamily(Class<?> type) {
    return type.getPackage() == Expansions.class.getPackage();
  }

  private static List<Method> methods(Class<?> type) {
    return Stream.of(type.getDeclaredMethods())
        .filter(method -> !method.isSynthetic())
        .sorted(Comparator.comparing(Method::toGenericString))
        .toList();
  }

  private boolean refuses(Method method, Object family) throws IllegalAccessException {
    try (Memory.Scope _ = backend().memory().scope()) {
      Misfits misfits = new Misfits(backend().memory());
      method.invoke(family, Stream.of(method.getParameterTypes()).map(misfits::of).toArray());
      return false;
    } catch (InvocationTargetException e) {
      Throwable thrown = e.getCause();
      if (thrown instanceof SextantException && thrown.getMessage().matches("[\\w ]+: .*")) {
        return true;
      }
      return fail(method + " without its rule", thrown);
    }
  }

  /** Arguments of which no two tensors have one shape. */
  final class Misfits {
    private final Memory memory;
    private int tensors;

    Misfits(Memory memory) {
      this.memory = memory;
    }

    private Tensor tensor() {
      tensors++;
      return memory.floats(Shape.of(tensors, 2 * tensors + 1), Memory.Category.DATA, "misfit");
    }

    private BatchNorm norm() {
      return new BatchNorm(tensor(), tensor(), tensor(), tensor(), 1, Activation.RELU);
    }

    private NormGradient gradient() {
      return new NormGradient(norm(), tensor(), tensor());
    }

    private Object of(Class<?> type) {
      return switch (type.getSimpleName()) {
        case "Tensor" -> tensor();
        case "BatchNorm" -> norm();
        case "NormGradient" -> gradient();
        case "ConvolutionGradient" ->
            new Expansions.ConvolutionGradient(tensor(), gradient(), tensor());
        case "FixedKernel" -> new FixedKernel(Shape.of(3, 5), Window.same(3, 1), tensor(), null, 1);
        case "Shape" -> Shape.of(3, 5);
        case "Window" -> Window.same(3, 1);
        case "Activation" -> Activation.RELU;
        case "Nesting" -> new Nesting(new int[] {3, 5}, new int[] {2, 4});
        case "List" -> List.<Tensor[]>of(new Tensor[] {tensor(), tensor(), tensor(), tensor()});
        case "boolean" -> false;
        case "float" -> 0.5f;
        case "int" -> 1;
        case "float[]" -> new float[1];
        case "int[]" -> new int[1];
        default -> fail("no misfit of " + type);
      };
    }
  }
}
