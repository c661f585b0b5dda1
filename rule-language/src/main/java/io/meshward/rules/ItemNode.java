package io.meshward.rules;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A value of an item that {@link ConditionFiles} does not know: a text, a sequence or a mapping. It
 * knows its place in the file. Immutable.
 */
public final class ItemNode {

  private final YamlValue value;
  private final Place place;

  ItemNode(YamlValue value) {
    this(value, value.place());
  }

  private ItemNode(YamlValue value, Place place) {
    this.value = value;
    this.place = place;
  }

  /** The text; numbers and booleans are texts too. Empty for anything else, and for nothing. */
  public Optional<String> text() {
    return value instanceof YamlValue.Scalar scalar && !scalar.isNull()
        ? Optional.of(scalar.text().text())
        : Optional.empty();
  }

  /** The elements of a sequence. */
  public Optional<List<ItemNode>> elements() {
    return value instanceof YamlValue.Sequence sequence
        ? Optional.of(sequence.elements().stream().map(ItemNode::new).toList())
        : Optional.empty();
  }

  /** The entries of a mapping, in the order of the file. */
  public Optional<Map<String, ItemNode>> entries() {
    if (!(value instanceof YamlValue.Mapping mapping)) {
      return Optional.empty();
    }
    Map<String, ItemNode> entries = new LinkedHashMap<>();
    mapping.entries().forEach((key, each) -> entries.put(key, new ItemNode(each)));
    return Optional.of(entries);
  }

  /** The key of an entry, to say that something is wrong with it; this if there is none. */
  public ItemNode key(String key) {
    return value instanceof YamlValue.Mapping mapping
        ? new ItemNode(value, mapping.placeOf(key))
        : this;
  }

  /** How messages call it: {@code 'text'}, {@code a sequence}, {@code nothing}. */
  public String kind() {
    return value.kind();
  }

  YamlValue value() {
    return value;
  }

  Place place() {
    return place;
  }
}
