package io.meshward.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;

/**
 * How tests start processes of ours: with the launcher's options and this process's class path, of
 * jars only, so that all of them share an archive of classes as those do that the launcher starts.
 * Without it most of their time would go into loading classes.
 *
 * <p>The archive is recorded by whoever needs it first and lies under {@code target} until a class
 * changes; other test processes wait for it.
 */
public final class CommandJvm {
  private static final Path FOLDER = Path.of("target", "command-jvm").toAbsolutePath();
  private static final int RECORDING_S = 300;

  /** The options and the class path, once they are known. */
  private static final class Shared {
    private static final CommandJvm JVM = prepare();
  }

  private final String classPath;
  private final Path archive;

  private CommandJvm(String classPath, Path archive) {
    this.classPath = classPath;
    this.archive = archive;
  }

  /**
   * The command that starts a class of ours.
   *
   * @param options of the JVM, besides the launcher's
   */
  public static List<String> command(List<String> options, Class<?> main, List<String> arguments) {
    CommandJvm jvm = Shared.JVM;
    return jvm.command("-XX:SharedArchiveFile=" + jvm.archive, options, main, arguments);
  }

  private List<String> command(
      String archiveOption, List<String> options, Class<?> main, List<String> arguments) {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                archiveOption,
                "-Xlog:disable",
                "-Xlog:all=error,cds*=off,aot*=off:stderr",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-Djdk.tls.server.enableSessionTicketExtension=false",
                "-Djdk.tls.server.newSessionTicketCount=0",
                "-XX:+UseSerialGC"));
    command.addAll(options);
    command.addAll(List.of("-cp", classPath, main.getName()));
    command.addAll(arguments);
    return command;
  }

  private static CommandJvm prepare() {
    List<Path> entries =
        Stream.of(System.getProperty("java.class.path").split(File.pathSeparator, -1))
            .map(Path::of)
            .toList();
    try {
      Files.createDirectories(FOLDER);
      try (FileChannel lock =
              FileChannel.open(
                  FOLDER.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
          FileLock _ = lock.lock()) {
        Path folder = FOLDER.resolve(fingerprint(entries));
        Path archive = folder.resolve("classes.jsa");
        if (Files.exists(archive)) {
          return new CommandJvm(classPath(entries, folder, false), archive);
        }
        removeEarlier();
        Files.createDirectory(folder);
        CommandJvm jvm = new CommandJvm(classPath(entries, folder, true), archive);
        jvm.record(folder);
        return jvm;
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Tells class paths apart: by the place, size and time of each of their files. */
  private static String fingerprint(List<Path> entries) throws IOException {
    StringBuilder text = new StringBuilder(Runtime.version().toString());
    for (Path entry : entries) {
      for (Path file : files(entry)) {
        text.append('\n').append(file).append(' ').append(Files.size(file));
        text.append(' ').append(Files.getLastModifiedTime(file));
      }
    }
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.toString().getBytes(UTF_8));
      return HexFormat.of().formatHex(digest, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static List<Path> files(Path entry) throws IOException {
    if (!Files.exists(entry)) {
      return List.of();
    }
    try (Stream<Path> paths = Files.walk(entry)) {
      return paths.filter(Files::isRegularFile).sorted().toList();
    }
  }

  private static void removeEarlier() throws IOException {
    try (Stream<Path> folders = Files.list(FOLDER)) {
      for (Path folder : folders.filter(Files::isDirectory).toList()) {
        LogFolder.deleteAll(folder);
      }
    }
  }

  /** The class path with a jar in a folder in the place of each folder; made, or there already. */
  private static String classPath(List<Path> entries, Path folder, boolean make)
      throws IOException {
    List<String> jars = new ArrayList<>();
    for (Path entry : entries) {
      if (Files.isDirectory(entry)) {
        Path jar = folder.resolve("classes-" + jars.size() + ".jar");
        if (make) {
          jar(entry, jar);
        }
        jars.add(jar.toString());
      } else {
        jars.add(entry.toString());
      }
    }
    return String.join(File.pathSeparator, jars);
  }

  private static void jar(Path classes, Path jar) throws IOException {
    try (OutputStream file = Files.newOutputStream(jar);
        JarOutputStream out = new JarOutputStream(file)) {
      for (Path path : files(classes)) {
        out.putNextEntry(new JarEntry(classes.relativize(path).toString()));
        Files.copy(path, out);
        out.closeEntry();
      }
    }
  }

  private void record(Path folder) throws IOException, InterruptedException {
    Path unfinished = folder.resolve("unfinished.jsa");
    Path log = folder.resolve("recording.log");
    Process recording =
        new ProcessBuilder(
                command(
                    "-XX:ArchiveClassesAtExit=" + unfinished,
                    List.of("-XX:TieredStopAtLevel=1"),
                    Recording.class,
                    List.of()))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    try {
      if (!recording.waitFor(RECORDING_S, TimeUnit.SECONDS) || recording.exitValue() != 0) {
        throw new IllegalStateException("no archive of classes: " + Files.readString(log));
      }
    } finally {
      recording.destroyForcibly();
    }
    Files.move(unfinished, archive, StandardCopyOption.ATOMIC_MOVE);
  }
}
