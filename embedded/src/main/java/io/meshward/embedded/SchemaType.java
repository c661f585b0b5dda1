package io.meshward.embedded;

import java.util.List;
import java.util.Map;

/** The type of a value in a Kubernetes object, as far as decoding and field ownership need it. */
sealed interface SchemaType {

  /** Whether field ownership treats a value of this type as one indivisible field. */
  boolean atomic();

  /** A value without inner fields. */
  enum Scalar implements SchemaType {
    STRING("string"),
    BOOLEAN("bool"),
    INT32("int32"),
    INT64("int64"),
    NUMBER("float64"),
    QUANTITY("resource.Quantity"),
    INT_OR_STRING("intstr.IntOrString"),
    TIME("v1.Time"),
    MICRO_TIME("v1.MicroTime"),
    ANY("interface {}");

    private final String goName;

    Scalar(String goName) {
      this.goName = goName;
    }

    /** The type's name in the real server's decoding errors. */
    String goName() {
      return goName;
    }

    @Override
    public boolean atomic() {
      return true;
    }
  }

  /** An object with declared fields. */
  record Struct(String name, boolean atomic, Map<String, Field> fields) implements SchemaType {
    public Struct {
      fields = Map.copyOf(fields);
    }
  }

  /**
   * A declared field.
   *
   * @param embedded the server always writes the field, as {@code {}} when nothing is set
   * @param required a value that exists, even empty, wherever its parent does
   * @param omitsZero zero and false are as good as absent
   */
  record Field(SchemaType type, boolean embedded, boolean required, boolean omitsZero) {}

  /** An object with free keys. */
  record MapOf(SchemaType values, boolean atomic) implements SchemaType {}

  /** A list; its kind says how two writers share it. */
  record ListOf(SchemaType items, Kind kind, List<String> keys) implements SchemaType {

    enum Kind {
      /** Owned as a whole. */
      ATOMIC,
      /** Scalars, each owned by itself. */
      SET,
      /** Objects, each told apart by its key fields. */
      KEYED
    }

    public ListOf {
      keys = List.copyOf(keys);
    }

    @Override
    public boolean atomic() {
      return kind == Kind.ATOMIC;
    }
  }
}
