package io.meshward.runtime;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A policy in a file that may change: one immutable policy is swapped for another. The first load
 * must succeed; a later bad one keeps the last good policy and is reported once. {@link #current}
 * is thread-safe; {@link #reload} is for one thread.
 */
final class PolicyFile {
  private static final int MAX_BYTES = 1024 * 1024;

  /** Hears of what became of a changed file. */
  interface Listener {
    void policyLoaded(AuthorizationPolicy policy);

    void policyRejected(AuthorizationPolicy kept, String problem);
  }

  private final Path path;
  private volatile AuthorizationPolicy current;
  private volatile @Nullable String problem;
  private byte[] lastGood;

  private PolicyFile(Path path, AuthorizationPolicy first, byte[] content) {
    this.path = path;
    this.current = first;
    this.lastGood = content;
  }

  /**
   * Loads a policy for the first time.
   *
   * @throws MeshRuntimeException naming the file and what is wrong with it
   */
  static PolicyFile load(Path path) {
    try {
      byte[] content = content(path);
      return new PolicyFile(path, PolicyReader.read(content), content);
    } catch (IOException | PolicyReader.InvalidPolicyException e) {
      throw new MeshRuntimeException("policy " + path + " cannot be used: " + e.getMessage(), e);
    }
  }

  AuthorizationPolicy current() {
    return current;
  }

  /** What is wrong with the file now, if anything. */
  @Nullable String problem() {
    return problem;
  }

  /** Looks at the file again, and takes over what it says if that is a policy. */
  void reload(Listener listener) {
    try {
      byte[] content = content(path);
      if (problem == null && Arrays.equals(content, lastGood)) {
        return;
      }
      AuthorizationPolicy next = PolicyReader.read(content);
      lastGood = content;
      problem = null;
      if (!next.revision().equals(current.revision())) {
        current = next;
        listener.policyLoaded(next);
      }
    } catch (IOException | PolicyReader.InvalidPolicyException e) {
      String words = path + ": " + e.getMessage();
      if (!words.equals(problem)) {
        problem = words;
        listener.policyRejected(current, words);
      }
    }
  }

  private static byte[] content(Path path) throws IOException {
    try (InputStream in = Files.newInputStream(path)) {
      byte[] content = in.readNBytes(MAX_BYTES + 1);
      if (content.length > MAX_BYTES) {
        throw new IOException("it is larger than " + MAX_BYTES + " bytes");
      }
      return content;
    } catch (NoSuchFileException e) {
      throw new IOException("no such file", e);
    }
  }
}
