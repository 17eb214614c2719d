package dev.sextant.bench;

import dev.sextant.bench.paths.Convolution;
import dev.sextant.bench.paths.Gemm;
import dev.sextant.bench.paths.HotPath;
import dev.sextant.bench.paths.Inference;
import dev.sextant.bench.paths.MbConvStep;
import dev.sextant.bench.paths.Norm;
import dev.sextant.bench.paths.OptimizerStep;
import dev.sextant.bench.paths.Pooling;
import dev.sextant.bench.paths.SupernetStep;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Every hot path that is measured. A new one is a line here, and a class in {@code paths} where
 * none fits. The short list holds one shape of each kind; the others are for {@code -Dbench=full}.
 */
final class Cases {
  private final List<Case> all = new ArrayList<>();
  private final List<Case> brief = new ArrayList<>();

  private Cases() {
    matrices();
    convolutions();
    poolings();
    norms();
    optimizers();
    blocks();
    supernets();
    networks();
  }

  /** All of them. */
  static List<Case> all() {
    return List.copyOf(new Cases().all);
  }

  /** One of each kind, the ones that cost a search most. */
  static List<Case> brief() {
    return List.copyOf(new Cases().brief);
  }

  private void matrices() {
    brief("gemm", Gemm.class, "nn 65536x16x96", Effort.KERNEL);
    brief("gemm", Gemm.class, "nn 4096x64x384", Effort.KERNEL);
    full("gemm", Gemm.class, "nn 16384x24x144", Effort.KERNEL);
    full("gemm", Gemm.class, "nn 4096x384x64", Effort.KERNEL);
    full("gemm", Gemm.class, "nt 4096x384x64", Effort.KERNEL);
    full("gemm", Gemm.class, "tn 64x4096x384", Effort.KERNEL);
    full("gemm", Gemm.class, "tn 16x65536x96", Effort.KERNEL);
    full("gemm", Gemm.class, "nn 1008x1008x1008", Effort.KERNEL);
    full("gemm", Gemm.class, "nn 64x64x384", Effort.KERNEL);
  }

  private void convolutions() {
    brief("pointwise", Convolution.class, "dense step 64x32x32x16 k1 s1 o96", Effort.KERNEL);
    full("pointwise", Convolution.class, "dense forward 64x32x32x16 k1 s1 o96", Effort.KERNEL);
    for (String pass : List.of("forward", "step")) {
      full("pointwise", Convolution.class, "dense %s 64x16x16x24 k1 s1 o144", pass);
      full("pointwise", Convolution.class, "dense %s 64x8x8x64 k1 s1 o384", pass);
      full("pointwise", Convolution.class, "dense %s 1x16x16x24 k1 s1 o144", pass);
      full("dense", Convolution.class, "dense %s 64x32x32x3 k3 s1 o32", pass);
    }
    for (String pass : List.of("forward", "data", "filter")) {
      brief(
          "",
          Convolution.class,
          String.format(Locale.ROOT, "depthwise %s 64x32x32x96 k3 s1", pass),
          Effort.KERNEL);
      full("", Convolution.class, "depthwise %s 64x16x16x144 k5 s1", pass);
      full("", Convolution.class, "depthwise %s 64x16x16x192 k7 s1", pass);
      full("", Convolution.class, "depthwise %s 64x8x8x384 k5 s1", pass);
      full("", Convolution.class, "depthwise %s 64x32x32x96 k3 s2", pass);
      full("", Convolution.class, "depthwise %s 64x16x16x144 k5 s2", pass);
      full("", Convolution.class, "depthwise %s 64x16x16x192 k7 s2", pass);
    }
    brief("", Convolution.class, "depthwise step 64x16x16x144 k5 s1", Effort.KERNEL);
    brief("", Convolution.class, "depthwise step 64x16x16x192 k7 s1", Effort.KERNEL);
    brief("", Convolution.class, "depthwise step 64x32x32x96 k3 s2", Effort.KERNEL);
    full("", Convolution.class, "depthwise step 64x32x32x96 k3 s1", Effort.KERNEL);
    full("", Convolution.class, "depthwise step 64x8x8x384 k5 s1", Effort.KERNEL);
    full("", Convolution.class, "depthwise forward 1x16x16x144 k5 s1", Effort.KERNEL);
  }

  private void poolings() {
    for (String pass : List.of("forward", "backward")) {
      for (String kind : List.of("max", "avg")) {
        String spec = kind + " " + pass;
        full("pool", Pooling.class, spec + " 64x32x32x16 k3 s1", Effort.KERNEL);
        full("pool", Pooling.class, spec + " 64x16x16x64 k3 s2", Effort.KERNEL);
      }
      full("pool", Pooling.class, "global " + pass + " 64x8x8x320", Effort.KERNEL);
    }
  }

  private void norms() {
    for (String pass : List.of("forward", "backward")) {
      brief("batch-norm relu6", Norm.class, pass + " 64x32x32x96", Effort.KERNEL);
      full("batch-norm relu6", Norm.class, pass + " 64x16x16x144", Effort.KERNEL);
      full("batch-norm relu6", Norm.class, pass + " 64x8x8x384", Effort.KERNEL);
    }
  }

  private void optimizers() {
    for (String optimizer : List.of("sgd", "adam", "rmsprop")) {
      brief("optimizer", OptimizerStep.class, optimizer + " proxyless-mobile", Effort.KERNEL);
    }
  }

  private void blocks() {
    brief("mbconv step", MbConvStep.class, "64x16x16x24 e6 k5 l1", Effort.BLOCK);
    brief("mbconv step", MbConvStep.class, "64x32x32x32 e6 k3 l1", Effort.BLOCK);
    full("mbconv step", MbConvStep.class, "64x8x8x96 e6 k7 l1", Effort.BLOCK);
    full("mbconv step", MbConvStep.class, "1x16x16x24 e6 k5 l1", Effort.BLOCK);
  }

  private void supernets() {
    brief("supernet step", SupernetStep.class, "weight proxyless-cifar b64", Effort.NETWORK);
    brief("supernet step", SupernetStep.class, "architecture proxyless-cifar b64", Effort.NETWORK);
  }

  private void networks() {
    brief("inference", Inference.class, "mobilenet-v2 b1 one", Effort.INFERENCE);
    brief("inference", Inference.class, "mobilenet-v2 b1", Effort.INFERENCE);
    full("inference", Inference.class, "mobilenet-v2 b8", Effort.INFERENCE);
    for (String name :
        List.of(
            "proxyless-mobile",
            "proxyless-cpu",
            "proxyless-gpu",
            "single-path-pixel1",
            "mnasnet-b1",
            "mobilenet-v2-ssdlite",
            "darts-v2",
            "pc-darts-cifar")) {
      full("inference", Inference.class, name + " b1 one", Effort.INFERENCE);
      full("inference", Inference.class, name + " b1", Effort.INFERENCE);
    }
  }

  private void brief(String kind, Class<? extends HotPath> path, String spec, Effort effort) {
    Case added = made(kind, path, spec, effort);
    brief.add(added);
    all.add(added);
  }

  private void full(String kind, Class<? extends HotPath> path, String spec, Effort effort) {
    Case added = made(kind, path, spec, effort);
    if (!brief.contains(added)) {
      all.add(added);
    }
  }

  /** One pass of a convolution. */
  private void full(String kind, Class<? extends HotPath> path, String spec, String pass) {
    full(kind, path, String.format(Locale.ROOT, spec, pass), Effort.KERNEL);
  }

  /** The name leaves out what its first word says already. */
  private static Case made(String kind, Class<? extends HotPath> path, String spec, Effort effort) {
    String words = spec.replaceFirst("^dense ", "").replaceFirst(" l1$", "");
    if (kind.equals("pointwise")) {
      words = words.replace(" k1 s1", "");
    }
    return new Case((kind + " " + words).strip(), path, spec, effort);
  }
}
