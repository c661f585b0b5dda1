package io.meshward.rules;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;

/**
 * The types of fields: which operators they know, how constants are read and values compared
 * (libsinsp's types, and {@link #DYNAMIC}).
 */
public enum FieldType {
  /** Text, compared exactly. */
  STRING("charbuf"),
  /** Text that is a path; behaves as {@link #STRING}. */
  PATH("fspath"),
  /** Bytes; a text stands for its UTF-8 bytes. */
  BYTES("bytebuf"),
  BOOLEAN("bool"),
  INT8("int8"),
  INT16("int16"),
  INT32("int32"),
  INT64("int64"),
  UINT8("uint8"),
  UINT16("uint16"),
  UINT32("uint32"),
  UINT64("uint64"),
  DOUBLE("double"),
  /** A port number; constants may be names of services ({@code https}). */
  PORT("port"),
  /** Nanoseconds since the epoch. */
  ABSOLUTE_TIME("abstime"),
  /** Nanoseconds. */
  RELATIVE_TIME("reltime"),
  /** An IPv4 or IPv6 address. */
  IP("ipaddr"),
  /** An address that is compared with networks in CIDR notation. */
  NET("ipnet"),
  /**
   * Text, number, boolean or a list of these, known only when an event is seen. Compares as the
   * text of its value for equality, by size where both sides are numbers. Not one of Falco's.
   */
  DYNAMIC("dynamic");

  private static final Map<String, FieldType> FURTHER_NAMES =
      Map.ofEntries(
          Map.entry("string", STRING),
          Map.entry("fsrelpath", PATH),
          Map.entry("boolean", BOOLEAN),
          Map.entry("pid", INT64),
          Map.entry("fd", INT64),
          Map.entry("errno", INT64),
          Map.entry("uid", UINT32),
          Map.entry("gid", UINT32),
          Map.entry("ipv4addr", IP),
          Map.entry("ipv6addr", IP),
          Map.entry("ipv4net", NET),
          Map.entry("ipv6net", NET));

  private final String typeName;

  FieldType(String typeName) {
    this.typeName = typeName;
  }

  /** The name in Falco's catalogues, as messages say it. */
  public String typeName() {
    return typeName;
  }

  /** The type of a name in Falco's catalogues ({@code charbuf}, {@code uint64}, …). */
  public static Optional<FieldType> named(String typeName) {
    return Arrays.stream(values())
        .filter(type -> type.typeName.equals(typeName))
        .findAny()
        .or(() -> Optional.ofNullable(FURTHER_NAMES.get(typeName)));
  }

  TypeSemantics semantics() {
    return switch (this) {
      case STRING, PATH -> new StringSemantics();
      case BYTES -> new BytesSemantics();
      case BOOLEAN -> new BooleanSemantics();
      case INT8 -> IntegerSemantics.signed(8);
      case INT16 -> IntegerSemantics.signed(16);
      case INT32 -> IntegerSemantics.signed(32);
      case INT64 -> IntegerSemantics.signed(64);
      case UINT8 -> IntegerSemantics.unsigned(8);
      case UINT16 -> IntegerSemantics.unsigned(16);
      case UINT32 -> IntegerSemantics.unsigned(32);
      case UINT64, ABSOLUTE_TIME, RELATIVE_TIME -> IntegerSemantics.unsigned(64);
      case DOUBLE -> new DoubleSemantics();
      case PORT -> IntegerSemantics.port();
      case IP -> new AddressSemantics();
      case NET -> new NetworkSemantics();
      case DYNAMIC -> new DynamicSemantics();
    };
  }

  boolean isText() {
    return this == STRING || this == PATH;
  }

  boolean isInteger() {
    return semantics() instanceof IntegerSemantics;
  }
}
