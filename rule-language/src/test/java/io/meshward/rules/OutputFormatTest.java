package io.meshward.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OutputFormatTest {

  private static final FieldCatalogue FIELDS =
      FieldCatalogue.builder()
          .field("proc.name", FieldType.STRING)
          .field("proc.pid", FieldType.INT64)
          .field("cpu.load", FieldType.DOUBLE)
          .field("is.root", FieldType.BOOLEAN)
          .list("proc.args", FieldType.STRING)
          .field(
              new FieldDefinition(
                  "proc.aname", FieldType.STRING, false, FieldArgument.INDEX_ALLOWED))
          .open("fields.")
          .build();

  private static final Map<String, Object> EVENT =
      Map.of(
          "proc.name",
          "Ünïx😀sh",
          "proc.pid",
          7L,
          "cpu.load",
          1.25,
          "is.root",
          true,
          "proc.args",
          List.of("-c", "x"),
          "proc.aname[2]",
          "init",
          "fields.k8s.pod",
          "web-1");

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          plain                                   | plain
          %proc.name                              | Ünïx😀sh
          pid=%proc.pid, load=%cpu.load.          | pid=7, load=1.2.
          %is.root %proc.args                     | true (-c,x)
          %proc.aname[2]/%proc.aname[3]           | init/<NA>
          %fields.k8s.pod %fields.none            | web-1 <NA>
          [%12proc.name] [%5proc.name]            | [Ünïx😀sh     ] [Ünïx😀]
          %toupper(proc.aname[2])!                | INIT!
          %len(proc.args) args                    | 2 args
          *%proc.pid                              | 7
          %proc.names %proc.name_ %proc.pid.x     | Ünïx😀shs Ünïx😀sh_ 7.x
          %proc.pid%proc.pid                      | 77
          """)
  void showsTheEventsValues(String format, String expected) {
    OutputFormat output = OutputFormat.parse(format, FIELDS);
    assertThat(output.render(CompiledConditionTest.source(EVENT))).isEqualTo(expected);
    assertThat(output.text()).isEqualTo(format);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          100%             | 3 | the format ends after '%'
          x %12            | 2 | the format ends after '%12'
          a % b            | 2 | expected a field or a transformer after '%'
          %user.nam        | 0 | nonexistent field user.nam
          %proc.nam        | 0 | nonexistent field proc.nam: did you mean 'proc.name'?
          %proc.name[1]    | 0 | 'proc.name' takes no argument
          %proc.aname[x]   | 0 | 'proc.aname' expects an index, found 'x'
          %tolower(proc.pid) | 0 | type 'int64' is not supported by 'tolower'
          %tolower(proc.name | 18 | expected a ',' or ')' token
          %99999proc.name  | 0 | width 99999, at most 9999
          """)
  void refusesWhatIsNoField(String format, int index, String message) {
    assertThatExceptionOfType(OutputFormatException.class)
        .isThrownBy(() -> OutputFormat.parse(format, FIELDS))
        .withMessageContaining(message)
        .satisfies(e -> assertThat(e.index()).isEqualTo(index));
  }

  @Test
  void refusesAnEmptyFormat() {
    assertThatExceptionOfType(OutputFormatException.class)
        .isThrownBy(() -> OutputFormat.parse("", FIELDS));
  }

  @Test
  void namesTheFieldsItShows() {
    assertThat(OutputFormat.parse("%proc.name %tolower(proc.aname[2])", FIELDS).fields())
        .extracting(FieldReference::toString)
        .containsExactlyInAnyOrder("proc.name", "proc.aname[2]");
  }
}
