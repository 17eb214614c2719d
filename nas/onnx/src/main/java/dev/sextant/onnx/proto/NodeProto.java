package dev.sextant.onnx.proto;

import java.util.List;
import java.util.SequencedMap;

/**
 * An operator.
 *
 * @param name what messages call it
 * @param operator which
 * @param domain of the operator; empty for ONNX's own
 * @param inputs names of values; empty where an optional one is left out
 * @param outputs names of values
 * @param attributes by name
 * @param metadata texts that viewers show
 */
public record NodeProto(
    String name,
    String operator,
    String domain,
    List<String> inputs,
    List<String> outputs,
    SequencedMap<String, Attribute> attributes,
    SequencedMap<String, String> metadata) {}
