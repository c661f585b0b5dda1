package io.meshward.rules;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What the transformers do; if an input is missing, so is the result. */
final class Transformers {

  /** A transformation of one text. */
  @FunctionalInterface
  interface TextMapping {
    @Nullable String apply(String text);
  }

  private Transformers() {}

  /** Maps a text, or each element of a list of texts. */
  static Extraction mapText(Transformer transformer, Extraction input, TextMapping mapping) {
    if (!input.type().isText() && input.type() != FieldType.DYNAMIC) {
      throw unsupported(transformer, input);
    }
    FieldType type = input.type() == FieldType.DYNAMIC ? FieldType.STRING : input.type();
    if (input.list()) {
      return new Extraction(type, true, event -> mapAll((List<?>) input.extract(event), mapping));
    }
    return new Extraction(type, false, event -> mapOne(input.extract(event), mapping));
  }

  static Extraction base64(Extraction input) {
    if (input.type() == FieldType.BYTES && !input.list()) {
      return new Extraction(
          FieldType.BYTES,
          false,
          event -> {
            ByteBuffer bytes = (ByteBuffer) input.extract(event);
            byte[] decoded =
                bytes == null
                    ? null
                    : decode(StandardCharsets.ISO_8859_1.decode(bytes.duplicate()).toString());
            return decoded == null ? null : ByteBuffer.wrap(decoded);
          });
    }
    return mapText(
        Transformer.B64,
        input,
        text -> {
          byte[] decoded = decode(text);
          return decoded == null ? null : new String(decoded, StandardCharsets.UTF_8);
        });
  }

  /** The number of elements of a list, else of bytes. */
  static Extraction length(Extraction input) {
    boolean bytes = input.type() == FieldType.BYTES;
    if (!input.list() && !input.type().isText() && !bytes && input.type() != FieldType.DYNAMIC) {
      throw unsupported(Transformer.LEN, input);
    }
    return new Extraction(
        FieldType.UINT64,
        false,
        event ->
            switch (input.extract(event)) {
              case null -> null;
              case List<?> list -> (long) list.size();
              case ByteBuffer buffer -> (long) buffer.remaining();
              case String text -> lengthInUtf8(text);
              default -> null;
            });
  }

  static Extraction join(List<Extraction> arguments) {
    if (arguments.size() != 2) {
      throw new IllegalArgumentException(
          "'join' transformer expects 2 arguments, found " + arguments.size());
    }
    Extraction separator = single(Transformer.JOIN, arguments.getFirst());
    Extraction values = arguments.getLast();
    if (!values.list()) {
      throw new IllegalArgumentException(
          "'join' transformer expects a list as second argument, found " + values.typeName());
    }
    return new Extraction(
        FieldType.STRING,
        false,
        event -> {
          String between = textOf(separator.extract(event));
          List<?> list = (List<?>) values.extract(event);
          if (between == null || list == null) {
            return null;
          }
          List<String> texts = texts(list);
          return texts == null ? null : String.join(between, texts);
        });
  }

  static Extraction concat(List<Extraction> arguments) {
    if (arguments.size() < 2) {
      throw new IllegalArgumentException(
          "'concat' transformer expects at least 2 arguments, found " + arguments.size());
    }
    arguments.forEach(argument -> single(Transformer.CONCAT, argument));
    return new Extraction(
        FieldType.STRING,
        false,
        event -> {
          List<?> values = extractAll(arguments, event);
          List<String> texts = values == null ? null : texts(values);
          return texts == null ? null : texts.stream().collect(Collectors.joining());
        });
  }

  /** All values, or null if one is missing. */
  static @Nullable List<?> extractAll(List<Extraction> extractions, FieldSource event) {
    List<Object> values = new ArrayList<>(extractions.size());
    for (Extraction extraction : extractions) {
      Object value = extraction.extract(event);
      if (value == null) {
        return null;
      }
      values.add(value);
    }
    return values;
  }

  /** All elements as texts, or null if one has none. */
  static @Nullable List<String> texts(List<?> values) {
    List<String> texts = new ArrayList<>(values.size());
    for (Object value : values) {
      String text = textOf(value);
      if (text == null) {
        return null;
      }
      texts.add(text);
    }
    return texts;
  }

  static IllegalArgumentException unsupported(Transformer transformer, Extraction input) {
    return new IllegalArgumentException(
        "can't add field transformer: type '"
            + input.typeName()
            + "' is not supported by '"
            + transformer
            + "' transformer");
  }

  private static Extraction single(Transformer transformer, Extraction input) {
    if (input.list()
        || (!input.type().isText()
            && input.type() != FieldType.DYNAMIC
            && !input.type().isInteger())) {
      throw unsupported(transformer, input);
    }
    return input;
  }

  private static @Nullable String textOf(@Nullable Object value) {
    return value == null ? null : FieldValue.text(value);
  }

  private static @Nullable String mapOne(@Nullable Object value, TextMapping mapping) {
    String text = textOf(value);
    return text == null ? null : mapping.apply(text);
  }

  private static @Nullable List<?> mapAll(@Nullable List<?> values, TextMapping mapping) {
    if (values == null) {
      return null;
    }
    List<String> mapped = new ArrayList<>(values.size());
    for (Object value : values) {
      String text = mapOne(value, mapping);
      if (text == null) {
        return null;
      }
      mapped.add(text);
    }
    return mapped;
  }

  private static byte @Nullable [] decode(String text) {
    int end = text.length();
    while (end > 0 && text.charAt(end - 1) == '=') {
      end--;
    }
    try {
      return text.length() - end > 2 ? null : Base64.getDecoder().decode(text.substring(0, end));
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  private static long lengthInUtf8(String text) {
    long bytes = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean pair = Character.isHighSurrogate(c) && i + 1 < text.length();
      bytes += c < 0x80 ? 1 : c < 0x800 ? 2 : pair ? 4 : 3;
      i += pair ? 1 : 0;
    }
    return bytes;
  }
}
