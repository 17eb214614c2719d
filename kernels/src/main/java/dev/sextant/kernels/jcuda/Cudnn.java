package dev.sextant.kernels.jcuda;

import dev.sextant.kernels.driver.Driver.Convolution;
import dev.sextant.kernels.driver.Driver.Direction;
import dev.sextant.tensor.SextantException;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import jcuda.Pointer;
import jcuda.driver.CUstream;
import jcuda.jcudnn.JCudnn;
import jcuda.jcudnn.cudnnConvolutionBwdDataAlgoPerf;
import jcuda.jcudnn.cudnnConvolutionBwdFilterAlgoPerf;
import jcuda.jcudnn.cudnnConvolutionDescriptor;
import jcuda.jcudnn.cudnnConvolutionFwdAlgoPerf;
import jcuda.jcudnn.cudnnConvolutionMode;
import jcuda.jcudnn.cudnnDataType;
import jcuda.jcudnn.cudnnDeterminism;
import jcuda.jcudnn.cudnnFilterDescriptor;
import jcuda.jcudnn.cudnnHandle;
import jcuda.jcudnn.cudnnMathType;
import jcuda.jcudnn.cudnnTensorDescriptor;
import jcuda.jcudnn.cudnnTensorFormat;
import jcuda.runtime.cudaStream_t;

/**
 * Dense convolutions of {@code [N, H, W, C]} images in float, TF32 off unless asked for, with the
 * first algorithm in cuDNN's own order that repeats bit for bit. Descriptors and choices are kept
 * for each shape.
 */
final class Cudnn implements AutoCloseable {
  private static final Pointer ONE = Pointer.to(new float[] {1});
  private static final Pointer ZERO = Pointer.to(new float[] {0});

  /** More than there are algorithms in any direction. */
  private static final int CHOICES = 16;

  private final cudnnHandle handle = new cudnnHandle();
  private final boolean tf32;
  private final Map<Convolution, Plan> plans = new HashMap<>();

  Cudnn(CUstream stream, boolean tf32) {
    this.tf32 = tf32;
    Status.cudnn("cudnnCreate", JCudnn.cudnnCreate(handle));
    Status.cudnn("cudnnSetStream", JCudnn.cudnnSetStream(handle, new cudaStream_t(stream)));
  }

  long version() {
    return JCudnn.cudnnGetVersion();
  }

  /** An algorithm and the bytes it works in. */
  private record Choice(int algorithm, long bytes) {}

  /** Bytes that a convolution works in. */
  long workspace(Convolution shape, Direction direction) {
    return choice(plan(shape), shape, direction).bytes;
  }

  private Choice choice(Plan plan, Convolution shape, Direction direction) {
    Choice known = plan.choices.get(direction);
    if (known != null) {
      return known;
    }
    Choice chosen =
        switch (direction) {
          case FORWARD -> chooseForward(plan, shape);
          case BACKWARD_DATA -> chooseBackwardData(plan, shape);
          case BACKWARD_FILTER -> chooseBackwardFilter(plan, shape);
        };
    plan.choices.put(direction, chosen);
    return chosen;
  }

  void run(Convolution shape, Direction direction, long a, long b, long out, long workspace) {
    Plan plan = plan(shape);
    Choice choice = choice(plan, shape, direction);
    DeviceAddress first = new DeviceAddress(a);
    DeviceAddress second = new DeviceAddress(b);
    DeviceAddress result = new DeviceAddress(out);
    DeviceAddress scratch = new DeviceAddress(workspace);
    int status =
        switch (direction) {
          case FORWARD ->
              JCudnn.cudnnConvolutionForward(
                  handle,
                  ONE,
                  plan.input,
                  first,
                  plan.filter,
                  second,
                  plan.convolution,
                  choice.algorithm,
                  scratch,
                  choice.bytes,
                  ZERO,
                  plan.output,
                  result);
          case BACKWARD_DATA ->
              JCudnn.cudnnConvolutionBackwardData(
                  handle,
                  ONE,
                  plan.filter,
                  second,
                  plan.output,
                  first,
                  plan.convolution,
                  choice.algorithm,
                  scratch,
                  choice.bytes,
                  ZERO,
                  plan.input,
                  result);
          case BACKWARD_FILTER ->
              JCudnn.cudnnConvolutionBackwardFilter(
                  handle,
                  ONE,
                  plan.input,
                  first,
                  plan.output,
                  second,
                  plan.convolution,
                  choice.algorithm,
                  scratch,
                  choice.bytes,
                  ZERO,
                  plan.filter,
                  result);
        };
    Status.cudnn("convolution " + direction, status);
  }

  private Plan plan(Convolution shape) {
    return plans.computeIfAbsent(shape, s -> new Plan(s, tf32));
  }

  private Choice chooseForward(Plan plan, Convolution shape) {
    cudnnConvolutionFwdAlgoPerf[] found = new cudnnConvolutionFwdAlgoPerf[CHOICES];
    Arrays.setAll(found, _ -> new cudnnConvolutionFwdAlgoPerf());
    int[] count = new int[1];
    Status.cudnn(
        "cudnnGetConvolutionForwardAlgorithm_v7",
        JCudnn.cudnnGetConvolutionForwardAlgorithm_v7(
            handle, plan.input, plan.filter, plan.convolution, plan.output, CHOICES, count, found));
    long[] bytes = new long[1];
    for (int i = 0; i < count[0]; i++) {
      if (repeats(found[i].status, found[i].determinism)
          && JCudnn.cudnnGetConvolutionForwardWorkspaceSize(
                  handle,
                  plan.input,
                  plan.filter,
                  plan.convolution,
                  plan.output,
                  found[i].algo,
                  bytes)
              == 0) {
        return new Choice(found[i].algo, bytes[0]);
      }
    }
    throw none("forward", shape);
  }

  private Choice chooseBackwardData(Plan plan, Convolution shape) {
    cudnnConvolutionBwdDataAlgoPerf[] found = new cudnnConvolutionBwdDataAlgoPerf[CHOICES];
    Arrays.setAll(found, _ -> new cudnnConvolutionBwdDataAlgoPerf());
    int[] count = new int[1];
    Status.cudnn(
        "cudnnGetConvolutionBackwardDataAlgorithm_v7",
        JCudnn.cudnnGetConvolutionBackwardDataAlgorithm_v7(
            handle, plan.filter, plan.output, plan.convolution, plan.input, CHOICES, count, found));
    long[] bytes = new long[1];
    for (int i = 0; i < count[0]; i++) {
      if (repeats(found[i].status, found[i].determinism)
          && JCudnn.cudnnGetConvolutionBackwardDataWorkspaceSize(
                  handle,
                  plan.filter,
                  plan.output,
                  plan.convolution,
                  plan.input,
                  found[i].algo,
                  bytes)
              == 0) {
        return new Choice(found[i].algo, bytes[0]);
      }
    }
    throw none("backward data", shape);
  }

  private Choice chooseBackwardFilter(Plan plan, Convolution shape) {
    cudnnConvolutionBwdFilterAlgoPerf[] found = new cudnnConvolutionBwdFilterAlgoPerf[CHOICES];
    Arrays.setAll(found, _ -> new cudnnConvolutionBwdFilterAlgoPerf());
    int[] count = new int[1];
    Status.cudnn(
        "cudnnGetConvolutionBackwardFilterAlgorithm_v7",
        JCudnn.cudnnGetConvolutionBackwardFilterAlgorithm_v7(
            handle, plan.input, plan.output, plan.convolution, plan.filter, CHOICES, count, found));
    long[] bytes = new long[1];
    for (int i = 0; i < count[0]; i++) {
      if (repeats(found[i].status, found[i].determinism)
          && JCudnn.cudnnGetConvolutionBackwardFilterWorkspaceSize(
                  handle,
                  plan.input,
                  plan.output,
                  plan.convolution,
                  plan.filter,
                  found[i].algo,
                  bytes)
              == 0) {
        return new Choice(found[i].algo, bytes[0]);
      }
    }
    throw none("backward filter", shape);
  }

  /**
   * Whether an algorithm repeats bit for bit. In what arithmetic it runs is up to the convolution's
   * descriptor, and what does not run in that refuses to say how much scratch it needs; the list's
   * own word on it does not get through to Java for forward convolutions.
   */
  private static boolean repeats(int status, int determinism) {
    return status == 0 && determinism == cudnnDeterminism.CUDNN_DETERMINISTIC;
  }

  private static SextantException none(String direction, Convolution shape) {
    return new SextantException(
        String.format(
            Locale.ROOT,
            "cudnn: no algorithm in float that repeats for %s of %s",
            direction,
            shape));
  }

  /** The descriptors of one shape, and the algorithms chosen so far. */
  private static final class Plan {
    final cudnnTensorDescriptor input = new cudnnTensorDescriptor();
    final cudnnTensorDescriptor output = new cudnnTensorDescriptor();
    final cudnnFilterDescriptor filter = new cudnnFilterDescriptor();
    final cudnnConvolutionDescriptor convolution = new cudnnConvolutionDescriptor();
    final Map<Direction, Choice> choices = new EnumMap<>(Direction.class);

    Plan(Convolution s, boolean tf32) {
      image(input, s.batch(), s.height(), s.width(), s.inputs());
      image(output, s.batch(), s.outHeight(), s.outWidth(), s.outputs());
      Status.cudnn("cudnnCreateFilterDescriptor", JCudnn.cudnnCreateFilterDescriptor(filter));
      Status.cudnn(
          "cudnnSetFilter4dDescriptor",
          JCudnn.cudnnSetFilter4dDescriptor(
              filter,
              cudnnDataType.CUDNN_DATA_FLOAT,
              cudnnTensorFormat.CUDNN_TENSOR_NHWC,
              s.outputs(),
              s.inputs(),
              s.kernel(),
              s.kernel()));
      Status.cudnn(
          "cudnnCreateConvolutionDescriptor", JCudnn.cudnnCreateConvolutionDescriptor(convolution));
      Status.cudnn(
          "cudnnSetConvolution2dDescriptor",
          JCudnn.cudnnSetConvolution2dDescriptor(
              convolution,
              s.padding(),
              s.padding(),
              s.stride(),
              s.stride(),
              s.dilation(),
              s.dilation(),
              cudnnConvolutionMode.CUDNN_CROSS_CORRELATION,
              cudnnDataType.CUDNN_DATA_FLOAT));
      Status.cudnn(
          "cudnnSetConvolutionMathType",
          JCudnn.cudnnSetConvolutionMathType(
              convolution, tf32 ? cudnnMathType.CUDNN_DEFAULT_MATH : cudnnMathType.CUDNN_FMA_MATH));
    }

    private static void image(
        cudnnTensorDescriptor descriptor, int batch, int height, int width, int channels) {
      Status.cudnn("cudnnCreateTensorDescriptor", JCudnn.cudnnCreateTensorDescriptor(descriptor));
      Status.cudnn(
          "cudnnSetTensor4dDescriptor",
          JCudnn.cudnnSetTensor4dDescriptor(
              descriptor,
              cudnnTensorFormat.CUDNN_TENSOR_NHWC,
              cudnnDataType.CUDNN_DATA_FLOAT,
              batch,
              channels,
              height,
              width));
    }

    void destroy() {
      JCudnn.cudnnDestroyTensorDescriptor(input);
      JCudnn.cudnnDestroyTensorDescriptor(output);
      JCudnn.cudnnDestroyFilterDescriptor(filter);
      JCudnn.cudnnDestroyConvolutionDescriptor(convolution);
    }
  }

  @Override
  public void close() {
    plans.values().forEach(Plan::destroy);
    plans.clear();
    JCudnn.cudnnDestroy(handle);
  }
}
