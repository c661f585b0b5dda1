package io.meshward.cli;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.GeneralCodingRules;
import io.meshward.embedded.KafkaProcess;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;

/** Holds the modules to the table of allowed dependencies in the architecture. */
final class ArchitectureTest {
  /** Which modules each may use: what it declares, and what comes with that. */
  private static final Map<String, Set<String>> ALLOWED =
      Map.ofEntries(
          Map.entry("schemas", Set.of()),
          Map.entry("rules", Set.of()),
          Map.entry("runtime", Set.of("schemas")),
          Map.entry("testkit", Set.of("schemas")),
          Map.entry("daemon", Set.of("schemas", "runtime")),
          Map.entry("ingest", Set.of("daemon", "schemas", "runtime")),
          Map.entry("detect", Set.of("rules", "daemon", "schemas", "runtime")),
          Map.entry("responder", Set.of("rules", "daemon", "schemas", "runtime")),
          Map.entry("embedded", Set.of("schemas", "testkit")),
          Map.entry("examples", Set.of("runtime", "schemas")),
          Map.entry(
              "cli",
              Set.of(
                  "schemas",
                  "rules",
                  "runtime",
                  "testkit",
                  "daemon",
                  "ingest",
                  "detect",
                  "responder",
                  "embedded",
                  "examples")));

  /** What protoc wrote. */
  private static final String GENERATED = "io.meshward.examples.shop";

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("io.meshward");

  @Test
  void everyModuleIsSeen() {
    assertThat(CLASSES.stream().map(ArchitectureTest::module).distinct())
        .containsExactlyInAnyOrderElementsOf(ALLOWED.keySet());
  }

  @Test
  void modulesDependOnlyOnWhatTheArchitectureAllows() {
    TreeSet<String> forbidden = new TreeSet<>();
    for (JavaClass origin : CLASSES) {
      Set<String> allowed = ALLOWED.getOrDefault(module(origin), Set.of());
      origin.getDirectDependenciesFromSelf().stream()
          .map(dependency -> dependency.getTargetClass().getBaseComponentType())
          .filter(ArchitectureTest::isOurs)
          .filter(target -> !module(target).equals(module(origin)))
          .filter(target -> !allowed.contains(module(target)))
          .forEach(target -> forbidden.add(origin.getName() + " -> " + target.getName()));
    }

    assertThat(forbidden).isEmpty();
  }

  @Test
  void everyPackageIsNullMarked() {
    List<String> unmarked =
        packages()
            .filter(javaPackage -> !javaPackage.isAnnotatedWith(NullMarked.class))
            .map(JavaPackage::getName)
            .toList();

    assertThat(unmarked).isEmpty();
  }

  @Test
  void onlyCommandsAndTheExamplesWriteToStandardOutput() {
    noClasses()
        .that()
        .resideOutsideOfPackages("io.meshward.cli..", "io.meshward.examples..")
        .and()
        .doNotBelongToAnyOf(KafkaProcess.class)
        .should()
        .accessField(System.class, "out")
        .orShould()
        .accessField(System.class, "err")
        .check(CLASSES);
  }

  @Test
  void nobodyUsesJavaUtilLogging() {
    GeneralCodingRules.NO_CLASSES_SHOULD_USE_JAVA_UTIL_LOGGING.check(CLASSES);
  }

  @Test
  void nobodyUsesTheOtherJackson() {
    noClasses().should().dependOnClassesThat().resideInAPackage("tools.jackson..").check(CLASSES);
  }

  private static Stream<JavaPackage> packages() {
    return CLASSES.stream()
        .map(JavaClass::getPackage)
        .distinct()
        .filter(javaPackage -> !javaPackage.getName().startsWith(GENERATED));
  }

  private static boolean isOurs(JavaClass javaClass) {
    return javaClass.getPackageName().startsWith("io.meshward.");
  }

  private static String module(JavaClass javaClass) {
    return javaClass.getPackageName().split("\\.", -1)[2];
  }
}
