package io.meshward.daemon;

import java.lang.reflect.RecordComponent;
import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Writes a tree of configuration records as the YAML it could be read from. */
final class ConfigPrinter {
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z_/.][A-Za-z0-9_./-]*");
  private static final Pattern WORD = Pattern.compile("(?i)true|false|null|yes|no|on|off");

  private final StringBuilder yaml = new StringBuilder();

  String print(Record config) {
    record(config, 0);
    return yaml.toString();
  }

  private void record(Record config, int depth) {
    for (RecordComponent component : config.getClass().getRecordComponents()) {
      Object value;
      try {
        component.getAccessor().setAccessible(true);
        value = component.getAccessor().invoke(config);
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException(component + " cannot be read", e);
      }
      field(RecordBinder.key(component.getName()), value, depth);
    }
  }

  private void field(String key, @Nullable Object value, int depth) {
    if (value == null) {
      return;
    }
    yaml.append("  ".repeat(depth)).append(scalar(key)).append(':');
    switch (value) {
      case Map<?, ?> map when map.isEmpty() -> yaml.append(" {}\n");
      case Collection<?> items when items.isEmpty() -> yaml.append(" []\n");
      case Map<?, ?> map -> {
        yaml.append('\n');
        map.forEach((name, item) -> field(String.valueOf(name), item, depth + 1));
      }
      case Collection<?> items -> {
        yaml.append('\n');
        items.forEach(item -> item(item, depth + 1));
      }
      case Record tree when !ScalarParser.reads(tree.getClass()) -> {
        yaml.append('\n');
        record(tree, depth + 1);
      }
      default -> yaml.append(' ').append(scalar(value)).append('\n');
    }
  }

  private void item(Object item, int depth) {
    String indent = "  ".repeat(depth);
    if (item instanceof Record tree && !ScalarParser.reads(tree.getClass())) {
      int start = yaml.length();
      record(tree, depth + 1);
      yaml.replace(start, start + indent.length() + 2, indent + "- ");
    } else {
      yaml.append(indent).append("- ").append(scalar(item)).append('\n');
    }
  }

  private static String scalar(Object value) {
    return switch (value) {
      case Duration duration -> Durations.print(duration);
      case Number number -> number.toString();
      case Boolean bool -> bool.toString();
      case Enum<?> constant -> ScalarParser.label(constant);
      case ByteSize size -> size.toString();
      default -> text(value.toString());
    };
  }

  private static String text(String text) {
    if (PLAIN.matcher(text).matches() && !WORD.matcher(text).matches()) {
      return text;
    }
    StringBuilder quoted = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"', '\\' -> quoted.append('\\').append(c);
        case '\n' -> quoted.append("\\n");
        default -> {
          if (c < ' ' || c == 0x7f) {
            quoted.append(String.format("\\x%02x", (int) c));
          } else {
            quoted.append(c);
          }
        }
      }
    }
    return quoted.append('"').toString();
  }
}
