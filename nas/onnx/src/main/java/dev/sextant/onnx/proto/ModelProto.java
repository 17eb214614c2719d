package dev.sextant.onnx.proto;

import java.util.List;
import java.util.SequencedMap;

/**
 * A file.
 *
 * @param version of the format
 * @param operatorSet version of ONNX's own operators
 * @param producer the program that wrote it
 * @param name of the graph
 * @param nodes in an order in which each reads what earlier ones gave
 * @param constants the weights
 * @param inputs what the graph takes
 * @param outputs what it gives
 * @param values what is known of the others
 * @param metadata texts
 */
public record ModelProto(
    long version,
    long operatorSet,
    String producer,
    String name,
    List<NodeProto> nodes,
    List<TensorProto> constants,
    List<ValueInfo> inputs,
    List<ValueInfo> outputs,
    List<ValueInfo> values,
    SequencedMap<String, String> metadata) {}
