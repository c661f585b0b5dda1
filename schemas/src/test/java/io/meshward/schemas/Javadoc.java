package io.meshward.schemas;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the sources' Javadoc says of records and their components. */
final class Javadoc {
  private static final Pattern DECLARATION =
      Pattern.compile(
          "/\\*\\*(?<text>(?:(?!\\*/).)*)\\*/\\s*(?:@\\w+(?:\\((?:[^()]|\\([^()]*\\))*\\))?\\s*)*(?:public"
              + " |sealed |static )*(?:record|interface|enum) (?<name>\\w+)",
          Pattern.DOTALL);
  private static final Pattern PARAMETER =
      Pattern.compile("@param (?<name>\\w+) (?<text>(?:\\{@[^}]*\\}|[^@{])*)");

  private final Path sources;
  private final Map<Class<?>, Map<String, String>> files = new HashMap<>();

  Javadoc(Path sources) {
    this.sources = sources;
  }

  Optional<String> sentence(Class<?> type) {
    return comment(type)
        .map(text -> text.split("@param|<p>", 2)[0])
        .map(Javadoc::plain)
        .filter(text -> !text.isEmpty());
  }

  Optional<String> parameter(Class<?> type, String component) {
    return comment(type)
        .flatMap(
            text -> {
              Matcher matcher = PARAMETER.matcher(text);
              while (matcher.find()) {
                if (matcher.group("name").equals(component)) {
                  return Optional.of(plain(matcher.group("text")));
                }
              }
              return Optional.empty();
            });
  }

  private Optional<String> comment(Class<?> type) {
    return Optional.ofNullable(
        files.computeIfAbsent(outermost(type), this::readFile).get(type.getSimpleName()));
  }

  private Map<String, String> readFile(Class<?> outermost) {
    Path file = sources.resolve(outermost.getName().replace('.', '/') + ".java");
    try {
      Map<String, String> comments = new HashMap<>();
      Matcher matcher = DECLARATION.matcher(Files.readString(file));
      while (matcher.find()) {
        comments.put(
            matcher.group("name"), matcher.group("text").replaceAll("\\s*\n\\s*\\*( |$)?", " "));
      }
      return comments;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Class<?> outermost(Class<?> type) {
    return type.getEnclosingClass() == null ? type : outermost(type.getEnclosingClass());
  }

  private static String plain(String text) {
    return text.replaceAll("\\{@\\w+ (?:[\\w.]*#)?([^}]*)\\}", "$1")
        .replaceAll("\\s+", " ")
        .strip();
  }
}
