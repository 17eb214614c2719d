package dev.sextant.nas.stage;

import dev.sextant.nas.checkpoint.Checkpoint;
import dev.sextant.nas.data.ClassNames;
import dev.sextant.nas.data.ImageDataset;
import dev.sextant.nas.supernet.Network;
import dev.sextant.runtime.Architecture;
import dev.sextant.runtime.Preprocessing;
import dev.sextant.runtime.Weights;
import dev.sextant.tensor.Backend;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;

/** From a network in memory to weights as files have them, and back. */
public final class NetworkWeights {
  private NetworkWeights() {}

  /**
   * {@return a network's weights with the normalization of its images and the names of its classes}
   *
   * @param network whose parameters and statistics are taken
   * @param architecture of the network
   * @param data the images it was trained on
   * @param backend whose memory holds the network
   * @param what the network is called where a weight is not finite
   */
  public static Weights of(
      Network network, Architecture architecture, ImageDataset data, Backend backend, String what) {
    // In a fixed order, which Map.of does not have: equal runs write equal files.
    Map<String, String> metadata = new LinkedHashMap<>();
    Preprocessing.record(
        architecture.input(),
        data.normalization().mean(),
        data.normalization().deviation(),
        metadata);
    ClassNames.put(data.classNames(), metadata);
    metadata.put(Weights.ARCHITECTURE, architecture.sha256());
    return new Weights(tensors(network, backend, what), metadata);
  }

  /**
   * {@return a network's parameters and statistics by their paths}
   *
   * @param network whose they are
   * @param backend whose memory holds the network
   * @param what the network is called where a weight is not finite
   * @throws dev.sextant.tensor.SextantException naming the first weight that is no finite number
   */
  public static SequencedMap<String, Weights.Entry> tensors(
      Network network, Backend backend, String what) {
    SequencedMap<String, Weights.Entry> entries = new LinkedHashMap<>();
    network
        .state()
        .forEach(
            (name, tensor) -> {
              float[] values = new float[tensor.size()];
              backend.download(tensor, values, 0);
              Checkpoint.checkFinite(what, name, values);
              entries.put(name, new Weights.Entry(tensor.shape(), values));
            });
    return entries;
  }

  /**
   * Puts weights into a network.
   *
   * @param weights a copy of which goes into it
   * @param architecture of the network
   * @param network whose parameters and statistics are overwritten
   * @param backend whose memory holds the network
   * @throws dev.sextant.tensor.SextantException if they are another architecture's
   */
  public static void load(
      Weights weights, Architecture architecture, Network network, Backend backend) {
    weights.check(architecture);
    network
        .state()
        .forEach(
            (name, tensor) ->
                backend.upload(
                    Objects.requireNonNull(weights.entries().get(name)).values(), 0, tensor));
  }
}
