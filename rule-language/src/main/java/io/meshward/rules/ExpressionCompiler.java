package io.meshward.rules;

import io.meshward.rules.Extraction.Extractor;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Compiles fields and transformers against a catalogue, and collects the fields it meets. Its
 * errors are {@link IllegalArgumentException}s that say what does not fit. Not thread-safe.
 */
final class ExpressionCompiler {

  private final FieldCatalogue catalogue;
  private final Set<FieldReference> fields = new LinkedHashSet<>();

  ExpressionCompiler(FieldCatalogue catalogue) {
    this.catalogue = catalogue;
  }

  /** Every field of what was compiled. */
  Set<FieldReference> fields() {
    return fields;
  }

  Extraction compile(Expression expression) {
    return switch (expression) {
      case Expression.Field field -> field(field);
      case Expression.Transformation transformation -> transformation(transformation);
    };
  }

  private Extraction field(Expression.Field field) {
    FieldReference reference = catalogue.reference(field.name(), field.argument());
    fields.add(reference);
    TypeSemantics semantics = reference.type().semantics();
    Extractor extractor =
        reference.isList()
            ? event -> listOf(event.value(reference))
            : event -> {
              Object raw = event.value(reference);
              return raw == null ? null : semantics.normalise(raw);
            };
    return new Extraction(reference.type(), reference.isList(), extractor);
  }

  private static @Nullable List<?> listOf(@Nullable Object raw) {
    return switch (raw) {
      case null -> null;
      case List<?> list -> list;
      default -> List.of(raw);
    };
  }

  private Extraction transformation(Expression.Transformation call) {
    Transformer transformer = call.transformer();
    if (call.selector().isPresent() && transformer != Transformer.GETOPT) {
      throw new IllegalArgumentException(
          "'" + transformer + "' transformer does not support field arguments");
    }
    List<Extraction> arguments = call.arguments().stream().map(this::argument).toList();
    return switch (transformer) {
      case TOLOWER -> text(transformer, only(transformer, arguments), AsciiCase::lower);
      case TOUPPER -> text(transformer, only(transformer, arguments), AsciiCase::upper);
      case BASENAME ->
          text(
              transformer,
              only(transformer, arguments),
              path -> path.substring(path.lastIndexOf('/') + 1));
      case B64 -> Transformers.base64(only(transformer, arguments));
      case LEN -> Transformers.length(only(transformer, arguments));
      case JOIN -> Transformers.join(arguments);
      case CONCAT -> Transformers.concat(arguments);
      case GETOPT -> GetOpt.compile(arguments, call);
    };
  }

  private static Extraction only(Transformer transformer, List<Extraction> arguments) {
    if (arguments.size() != 1) {
      throw new IllegalArgumentException(
          "'" + transformer + "' transformer expects 1 argument, found " + arguments.size());
    }
    return arguments.getFirst();
  }

  private static Extraction text(
      Transformer transformer, Extraction input, Transformers.TextMapping mapping) {
    return Transformers.mapText(transformer, input, mapping);
  }

  private Extraction argument(TransformerArgument argument) {
    return switch (argument) {
      case Expression expression -> compile(expression);
      case TransformerArgument.Constant(String text, boolean number) ->
          new Extraction(FieldType.STRING, false, event -> text);
      case TransformerArgument.ArgumentList(List<TransformerArgument> elements) -> {
        List<Extraction> extractions = elements.stream().map(this::argument).toList();
        if (extractions.stream().anyMatch(Extraction::list)) {
          throw new IllegalArgumentException("a list of arguments holds a field that is a list");
        }
        yield new Extraction(
            FieldType.DYNAMIC, true, event -> Transformers.extractAll(extractions, event));
      }
    };
  }
}
