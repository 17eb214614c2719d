package dev.sextant.runtime.graph;

import dev.sextant.tensor.Activation;
import dev.sextant.tensor.SextantException;
import dev.sextant.tensor.Shape;
import dev.sextant.tensor.Window;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * The operations of one layer, in order, on values that are images {@code [N, H, W, C]} or vectors
 * {@code [N, C]}. A layer writes it once; its shape, its counts, the names of its weights, its
 * compiled and its trainable form are read from it.
 *
 * <p>Confined to the thread that writes it; not to be written once it is read.
 */
public final class Graph {
  private final String layer;
  private final List<Shape> inputs;
  private final List<Node> nodes = new ArrayList<>();
  private Value output;

  /**
   * What an operation reads and gives.
   *
   * @param index the graph's inputs first, then the nodes' outputs in their order
   * @param shape its extents
   */
  public record Value(int index, Shape shape) {}

  /**
   * One operation; its output's index is the number of inputs plus its place.
   *
   * @param operation what it computes
   * @param inputs what it reads, in the operation's order
   * @param output what it gives
   */
  public record Node(Operation operation, List<Value> inputs, Value output) {}

  private Graph(String layer, List<Shape> inputs) {
    this.layer = layer;
    this.inputs = inputs;
    output = input(0);
  }

  /**
   * {@return the graph of a layer with one input}
   *
   * @param layer what errors call it
   * @param input the layer's input shape
   * @param lowering adds the operations that compute the output from the input, and returns it
   * @throws SextantException if the layer cannot take the input, or an intermediate image has more
   *     elements than one tensor can hold
   */
  public static Graph of(String layer, Shape input, BiFunction<Graph, Value, Value> lowering) {
    Graph graph = new Graph(layer, List.of(input));
    graph.output = lowering.apply(graph, graph.input(0));
    return graph;
  }

  /** A lowering of two inputs. */
  public interface OfTwo {
    /**
     * {@return the output}
     *
     * @param graph to add the operations to
     * @param first the first input
     * @param second the second input
     */
    Value lower(Graph graph, Value first, Value second);
  }

  /**
   * {@return the graph of a layer with two inputs; throws as {@link #of} does}
   *
   * @param layer what errors call it
   * @param first shape of the first input
   * @param second shape of the second input
   * @param lowering adds the operations
   */
  public static Graph ofTwo(String layer, Shape first, Shape second, OfTwo lowering) {
    Graph graph = new Graph(layer, List.of(first, second));
    graph.output = lowering.lower(graph, graph.input(0), graph.input(1));
    return graph;
  }

  private Value input(int i) {
    return new Value(i, inputs.get(i));
  }

  /** {@return the shapes of what it reads} */
  public List<Shape> inputs() {
    return inputs;
  }

  /** {@return the operations in order} */
  public List<Node> nodes() {
    return nodes;
  }

  /** {@return what it gives: a node's output, or an input where it computes nothing} */
  public Value output() {
    return output;
  }

  /**
   * {@return how often a value is read by operations; being the output counts as well}
   *
   * @param value of this graph
   */
  public int reads(Value value) {
    int reads = value.equals(output) ? 1 : 0;
    for (Node node : nodes) {
      for (Value input : node.inputs) {
        reads += input.index == value.index ? 1 : 0;
      }
    }
    return reads;
  }

  /**
   * {@return whether a node is the last that reads a value, and the value is of this layer alone:
   * its memory is free afterwards}
   *
   * @param node number of a node, from 0
   * @param value of this graph
   */
  public boolean isLastRead(int node, Value value) {
    if (value.index < inputs.size() || value.equals(output)) {
      return false;
    }
    for (int i = node + 1; i < nodes.size(); i++) {
      if (nodes.get(i).inputs.contains(value)) {
        return false;
      }
    }
    return true;
  }

  /** {@return all weights, in the order in which they are first used} */
  public List<Operation.Weight> weights() {
    List<Operation.Weight> weights = new ArrayList<>();
    for (Node node : nodes) {
      weights.addAll(node.operation.weights(shapes(node.inputs)));
    }
    return weights;
  }

  /** {@return the trained scalars} */
  public long parameters() {
    long sum = 0;
    for (Operation.Weight weight : weights()) {
      sum += weight.trained() ? weight.size() : 0;
    }
    return sum;
  }

  /**
   * {@return the multiply-adds for the whole batch}
   *
   * @throws ArithmeticException if they are 2<sup>63</sup> or more, as only a layer from outside
   *     can have
   */
  public long macs() {
    long sum = 0;
    for (Node node : nodes) {
      sum = Math.addExact(sum, node.operation.macs(shapes(node.inputs)));
    }
    return sum;
  }

  private static List<Shape> shapes(List<Value> values) {
    return values.stream().map(Value::shape).toList();
  }

  /**
   * Appends an operation; returns what it gives.
   *
   * @param operation the operation
   * @param values what it reads, in its order
   * @return what it gives
   */
  public Value add(Operation operation, Value... values) {
    List<Value> read = List.of(values);
    Shape shape = operation.output(layer, shapes(read));
    Value value = new Value(inputs.size() + nodes.size(), shape);
    nodes.add(new Node(operation, read, value));
    return value;
  }

  // ---- the operations that layers are made of

  /**
   * {@return the output of a dense convolution without a bias, batch norm, activation} Its weights
   * are {@code name.weight} {@code [k, k, in, out]} and {@code norm.gamma} and so on.
   *
   * @param x image {@code [N, H, W, C]}
   * @param name what its weights' names start with; may be empty
   * @param norm what the batch norm's weights' names start with
   * @param out output channels
   * @param window kernel size, stride, padding and dilation
   * @param activation which function comes last
   */
  public Value convolution(
      Value x, String name, String norm, int out, Window window, Activation activation) {
    return add(new Operation.Convolution(name, norm, false, out, window, 1, activation), x);
  }

  /**
   * {@return the output of a pointwise convolution without a bias, batch norm, activation}
   *
   * @param x image {@code [N, H, W, C]}
   * @param name what its weights' names start with; may be empty
   * @param norm what the batch norm's weights' names start with
   * @param out output channels
   * @param activation which function comes last
   */
  public Value pointwise(Value x, String name, String norm, int out, Activation activation) {
    return convolution(x, name, norm, out, Window.POINTWISE, activation);
  }

  /**
   * The same, without an activation, plus a value where one is given.
   *
   * @param x image {@code [N, H, W, C]}
   * @param name what its weights' names start with; may be empty
   * @param norm what the batch norm's weights' names start with
   * @param out output channels
   * @param residual added at the end, of the output's shape; null for none
   * @return what it gives
   */
  public Value project(Value x, String name, String norm, int out, @Nullable Value residual) {
    Operation projection =
        new Operation.Convolution(name, norm, false, out, Window.POINTWISE, 1, Activation.IDENTITY);
    return residual == null ? add(projection, x) : add(projection, x, residual);
  }

  /**
   * {@return the output of a depthwise convolution without a bias, batch norm, activation}
   *
   * @param x image {@code [N, H, W, C]}
   * @param name what its weights' names start with; may be empty
   * @param norm what the batch norm's weights' names start with
   * @param window kernel size, stride, padding and dilation
   * @param activation which function comes last
   */
  public Value depthwise(Value x, String name, String norm, Window window, Activation activation) {
    return add(new Operation.Depthwise(name, norm, false, window, activation), x);
  }

  /**
   * {@return the output of squeeze and excitation (Hu et al., 2018): x gate(W2 act(W1 mean(x))),
   * both with biases}
   *
   * @param x image {@code [N, H, W, C]}
   * @param name what its weights' names start with; may be empty
   * @param hidden units between the two linear layers
   * @param activation between them
   * @param gate behind them
   */
  public Value squeezeExcite(
      Value x, String name, int hidden, Activation activation, Activation gate) {
    Value mean = add(new Operation.GlobalAvgPool(), x);
    Value squeezed = add(new Operation.Linear(name + ".reduce", hidden, activation), mean);
    int channels = x.shape().channels();
    Value gates = add(new Operation.Linear(name + ".expand", channels, gate), squeezed);
    return add(new Operation.ScaleChannels(), x, gates);
  }

  /**
   * {@return a + b}
   *
   * @param a an image
   * @param b of a's shape
   */
  public Value sum(Value a, Value b) {
    return add(new Operation.Add(), a, b);
  }

  /**
   * {@return max(x, 0)}
   *
   * @param x image {@code [N, H, W, C]}
   */
  public Value relu(Value x) {
    return add(new Operation.Activate(Activation.RELU), x);
  }

  /**
   * {@return the channels {@code from} to {@code to}, exclusive}
   *
   * @param x image {@code [N, H, W, C]}
   * @param from first channel, from 0
   * @param to the channel behind the last
   */
  public Value slice(Value x, int from, int to) {
    return add(new Operation.Slice(from, to), x);
  }

  /**
   * {@return the values side by side}
   *
   * @param parts images of one batch, height and width
   */
  public Value concat(Value... parts) {
    return add(new Operation.Concat(), parts);
  }

  /**
   * {@return the channels of the values in turn: side by side, then shuffled with as many groups as
   * there are values (Ma et al., 2018)}
   *
   * @param parts images of one batch, height and width
   */
  public Value interleave(Value... parts) {
    return add(new Operation.Interleave(), parts);
  }

  @Override
  public String toString() {
    return layer + " of " + Arrays.toString(inputs.toArray());
  }
}
