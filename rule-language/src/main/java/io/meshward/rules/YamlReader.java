package io.meshward.rules;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.common.Anchor;
import org.snakeyaml.engine.v2.events.AliasEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.MappingStartEvent;
import org.snakeyaml.engine.v2.events.NodeEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * Reads a YAML file into values with places. Nesting and size are bounded; an alias shares the
 * value of its anchor, so aliases cannot multiply. One use per file.
 */
final class YamlReader {

  /** A larger file is refused: 4 Mi characters. */
  static final int MAX_LENGTH = 4 * 1024 * 1024;

  private static final int MAX_DEPTH = 32;
  private static final Set<String> NULLS = Set.of("", "~", "null", "Null", "NULL");

  private final FileText file;
  private final Diagnostics diagnostics;
  private final Map<Anchor, YamlValue> anchors = new HashMap<>();
  private Iterator<Event> events = List.<Event>of().iterator();

  YamlReader(FileText file, Diagnostics diagnostics) {
    this.file = file;
    this.diagnostics = diagnostics;
  }

  /** What refuses a document. */
  private static final class InvalidYaml extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final transient Place place;

    InvalidYaml(String message, Place place) {
      super(message);
      this.place = place;
    }
  }

  /** The documents before the first error, which is reported. */
  List<YamlValue> documents() {
    List<YamlValue> documents = new ArrayList<>();
    if (file.text().length() > MAX_LENGTH) {
      report(
          "the file has "
              + file.text().length()
              + " characters, at most "
              + MAX_LENGTH
              + " are allowed",
          file.start());
      return documents;
    }
    try {
      LoadSettings settings =
          LoadSettings.builder().setLabel(file.name()).setCodePointLimit(MAX_LENGTH).build();
      events = new Parse(settings).parseString(file.text()).iterator();
      while (events.hasNext()) {
        Event event = events.next();
        switch (event.getEventId()) {
          case DocumentStart -> anchors.clear();
          case Scalar, SequenceStart, MappingStart, Alias -> documents.add(value(event, 0));
          case StreamStart, StreamEnd, DocumentEnd, Comment, SequenceEnd, MappingEnd -> {}
        }
      }
    } catch (InvalidYaml e) {
      report(String.valueOf(e.getMessage()), e.place);
    } catch (MarkedYamlEngineException e) {
      report(e.getProblem(), e.getProblemMark().map(this::place).orElse(file.start()));
    } catch (YamlEngineException e) {
      report(String.valueOf(e.getMessage()), file.start());
    }
    return documents;
  }

  private void report(String message, Place place) {
    diagnostics.error(DiagnosticCode.LOAD_ERR_YAML_PARSE, "", message, place);
  }

  private YamlValue value(Event event, int depth) {
    Place place = event.getStartMark().map(this::place).orElse(file.start());
    if (depth > MAX_DEPTH) {
      throw new InvalidYaml("nested deeper than " + MAX_DEPTH + " levels", place);
    }
    if (event instanceof AliasEvent alias) {
      YamlValue anchored = anchors.get(alias.getAlias());
      if (anchored == null) {
        throw new InvalidYaml(
            "alias to an unknown or unfinished anchor: " + alias.getAlias(), place);
      }
      return anchored;
    }
    YamlValue value =
        switch (event) {
          case ScalarEvent scalar -> scalar(scalar, place);
          case MappingStartEvent start -> mapping(place, depth);
          default -> sequence(place, depth);
        };
    Optional<Anchor> anchor = ((NodeEvent) event).getAnchor();
    anchor.ifPresent(name -> anchors.put(name, value));
    return value;
  }

  private YamlValue scalar(ScalarEvent scalar, Place place) {
    String text = scalar.getValue();
    int end = scalar.getEndMark().map(this::place).orElse(place).offset();
    ScalarOrigin origin =
        new ScalarOrigin(file, place.offset(), end, scalar.getScalarStyle(), text);
    boolean isNull = scalar.isPlain() && scalar.getTag().isEmpty() && NULLS.contains(text);
    return new YamlValue.Scalar(new SourceText(text, origin), isNull, place);
  }

  private YamlValue sequence(Place place, int depth) {
    List<YamlValue> elements = new ArrayList<>();
    for (Event event = events.next();
        event.getEventId() != Event.ID.SequenceEnd;
        event = events.next()) {
      elements.add(value(event, depth + 1));
    }
    return new YamlValue.Sequence(elements, place);
  }

  private YamlValue mapping(Place place, int depth) {
    Map<String, YamlValue> entries = new LinkedHashMap<>();
    Map<String, Place> keys = new HashMap<>();
    for (Event event = events.next();
        event.getEventId() != Event.ID.MappingEnd;
        event = events.next()) {
      YamlValue key = value(event, depth + 1);
      YamlValue value = value(events.next(), depth + 1);
      if (!(key instanceof YamlValue.Scalar(SourceText name, boolean isNull, Place keyPlace))) {
        throw new InvalidYaml("a key is " + key.kind() + ", expected a text", key.place());
      }
      if (entries.putIfAbsent(name.text(), value) != null) {
        report("key '" + name.text() + "' is there twice", keyPlace);
      }
      keys.put(name.text(), keyPlace);
    }
    return new YamlValue.Mapping(
        java.util.Collections.unmodifiableMap(entries), Map.copyOf(keys), place);
  }

  private Place place(Mark mark) {
    return new Place(file, file.offset(mark.getIndex()));
  }
}
