package io.meshward.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class FieldCatalogueTest {

  private final FieldCatalogue catalogue =
      FieldCatalogue.fromMap(
          Map.of(
              "proc.name", Map.of("type", "charbuf"),
              "proc.args", Map.of("type", "charbuf", "list", true),
              "proc.aname",
                  Map.of("type", "charbuf", "argument", "allowed", "argument-kind", "index"),
              "json.value", Map.of("type", "charbuf", "argument", "required")));

  @Test
  void givesReferencesByName() {
    FieldReference reference = catalogue.reference("proc.aname[2]");
    assertThat(reference.name()).isEqualTo("proc.aname");
    assertThat(reference.path()).containsExactly("proc", "aname");
    assertThat(reference.argument()).contains("2");
    assertThat(reference).isEqualTo(catalogue.reference("proc.aname", Optional.of("2")));
    assertThat(reference).isNotEqualTo(catalogue.reference("proc.aname"));
    assertThat(reference).hasToString("proc.aname[2]");
    assertThat(catalogue.reference("proc.args").isList()).isTrue();
    assertThat(catalogue.reference("json.value[/a/b]").argument()).contains("/a/b");
  }

  @Test
  void refusesWhatIsNotThere() {
    refuses("proc.nmae", "nonexistent field proc.nmae: did you mean 'proc.name'?");
    refuses("something.else", "nonexistent field something.else");
    refuses("proc.name[1]", "'proc.name' takes no argument, found '1'");
    refuses("proc.aname[x]", "'proc.aname' expects an index, found 'x'");
    refuses("json.value", "'json.value' requires an argument");
    refuses("tolower(proc.name)", "is a transformer's call, expected a field");
    refuses("proc", "'proc' is no field");
  }

  private void refuses(String text, String message) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> catalogue.reference(text))
        .withMessageContaining(message);
  }

  @Test
  void anOpenPrefixHasEveryLongerName() {
    FieldCatalogue open =
        FieldCatalogue.builder().open("fields.").field("fields.port", FieldType.PORT).build();
    assertThat(open.reference("fields.port").type()).isEqualTo(FieldType.PORT);
    assertThat(open.reference("fields.proc.name").type()).isEqualTo(FieldType.DYNAMIC);
    assertThat(open.reference("fields.proc.aname[2]").argument()).contains("2");
    assertThat(open.find("fields")).isEmpty();
    assertThat(open.find("other.name")).isEmpty();
    assertThatIllegalArgumentException().isThrownBy(() -> FieldCatalogue.builder().open("fields"));
  }

  @Test
  void aUnionHasBothAndDoubtsTypesThatDiffer() {
    FieldCatalogue union =
        FieldCatalogue.builder()
            .field("a.b", FieldType.STRING)
            .field("a.c", FieldType.STRING)
            .build()
            .union(
                FieldCatalogue.builder()
                    .field("a.b", FieldType.INT64)
                    .field("a.c", FieldType.STRING)
                    .open("o.")
                    .build());
    assertThat(union.reference("a.b").type()).isEqualTo(FieldType.DYNAMIC);
    assertThat(union.reference("a.c").type()).isEqualTo(FieldType.STRING);
    assertThat(union.find("o.x")).isPresent();
  }

  @Test
  void refusesFormsThatItDoesNotKnow() {
    for (Map<String, ?> map :
        List.<Map<String, ?>>of(
            Map.of("a.b", "charbuf"),
            Map.of("a.b", Map.of("type", "nothing")),
            Map.of("a.b", Map.of()),
            Map.of("a.b", Map.of("type", "charbuf", "lists", true)),
            Map.of("a.b", Map.of("type", "charbuf", "argument", "maybe")),
            Map.of("a-b", Map.of("type", "charbuf")))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> FieldCatalogue.fromMap(map))
          .withMessageContaining("field ");
    }
  }
}
