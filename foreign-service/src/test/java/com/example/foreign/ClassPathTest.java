package com.example.foreign;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.JarFile;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What came along with our modules under the versions of Spring Boot. */
class ClassPathTest {
  private static final String JAVA_SPIFFE = "java-spiffe-core";
  private static final String STUBS = "io.spiffe.workloadapi.grpc.";
  private static final List<Path> ENTRIES =
      Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
          .map(Path::of)
          .filter(Files::exists)
          .toList();

  @Test
  void noClassIsThereTwice() throws IOException {
    Map<String, Path> owners = new TreeMap<>();
    TreeSet<String> doubled = new TreeSet<>();
    for (Path entry : ENTRIES) {
      for (String name : classes(entry)) {
        Path before = owners.putIfAbsent(name, entry);
        if (before != null && !before.equals(entry)) {
          doubled.add(name + " in " + before.getFileName() + " and " + entry.getFileName());
        }
      }
    }

    assertThat(owners).containsKeys("io/meshward/runtime/MeshRuntime", "io/grpc/Server");
    assertThat(doubled).isEmpty();
  }

  @Test
  void noClassThatOursNeedIsMissing() {
    for (String part :
        List.of("mesh-runtime", "schemas", "mesh-spring-boot-starter", "mesh-testkit")) {
      assertThat(missing(ours(part), ENTRIES)).as("missing for " + part).isEmpty();
    }
  }

  @Test
  void noClassIsMissingThatTheStubsOfJavaSpiffeNeedAndNothingElseOfItIsUsed() {
    assertThat(missing(jar(JAVA_SPIFFE), ENTRIES)).noneMatch(line -> line.contains(STUBS));
    assertThat(missing(jar(JAVA_SPIFFE), without("grpc-stub")))
        .as("what is missing would be found")
        .anyMatch(line -> line.contains(STUBS) && line.contains("io.grpc.stub"));
    for (String part : List.of("mesh-runtime", "mesh-testkit")) {
      assertThat(missing(ours(part), without(JAVA_SPIFFE)))
          .as("what " + part + " uses")
          .isNotEmpty()
          .allMatch(line -> line.contains("-> " + STUBS));
    }
  }

  @Test
  void whatIsMissingWouldBeFound() {
    assertThat(missing(ours("mesh-runtime"), without("kafka-clients")))
        .anyMatch(line -> line.contains("org.apache.kafka"));
  }

  @Test
  void theUnshadedTransportIsNotThere() {
    assertThat(ENTRIES)
        .extracting(entry -> entry.getFileName().toString())
        .noneMatch(name -> name.startsWith("grpc-netty-1"))
        .anyMatch(name -> name.startsWith("grpc-netty-shaded-"));
  }

  /** One of our modules: its jar, or its classes. */
  private static Path ours(String module) {
    return ENTRIES.stream()
        .filter(
            entry ->
                entry.toString().contains("meshward-" + module)
                    || entry.endsWith(Path.of(module, "target", "classes")))
        .findFirst()
        .orElseThrow(() -> new AssertionError(module + " is not on " + ENTRIES));
  }

  private static Path jar(String name) {
    return ENTRIES.stream()
        .filter(entry -> entry.getFileName().toString().startsWith(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError(name + " is not on " + ENTRIES));
  }

  private static List<Path> without(String name) {
    return ENTRIES.stream()
        .filter(entry -> !entry.getFileName().toString().startsWith(name))
        .toList();
  }

  /** What {@code jdeps} finds no class for. */
  private static List<String> missing(Path own, List<Path> classPath) {
    StringWriter printed = new StringWriter();
    int unused =
        ToolProvider.findFirst("jdeps")
            .orElseThrow()
            .run(
                new PrintWriter(printed, true),
                new PrintWriter(printed, true),
                "--multi-release",
                "21",
                "--missing-deps",
                "--class-path",
                String.join(File.pathSeparator, classPath.stream().map(Path::toString).toList()),
                own.toString());
    assertThat(printed.toString()).doesNotContain("Error:");
    return printed
        .toString()
        .lines()
        .filter(line -> line.endsWith("not found"))
        // Above its classes there is one line for all of the jar.
        .filter(line -> !line.endsWith("-> not found"))
        .toList();
  }

  private static List<String> classes(Path entry) throws IOException {
    List<String> names = new ArrayList<>();
    if (Files.isDirectory(entry)) {
      try (Stream<Path> files = Files.walk(entry)) {
        files.forEach(file -> names.add(entry.relativize(file).toString()));
      }
    } else {
      try (JarFile jar = new JarFile(entry.toFile())) {
        jar.stream().forEach(file -> names.add(file.getName()));
      }
    }
    return names.stream()
        .filter(name -> name.endsWith(".class"))
        .filter(name -> !name.endsWith("module-info.class") && !name.startsWith("META-INF/"))
        .map(name -> name.substring(0, name.length() - ".class".length()))
        .toList();
  }
}
