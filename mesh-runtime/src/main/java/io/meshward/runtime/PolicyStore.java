package io.meshward.runtime;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.meshward.schemas.SpiffeId;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The policy in force, with all that belongs to it: read from files or a source that may change,
 * and swapped whole. The first load must succeed; later, one bad part keeps all of the last good
 * snapshot and is reported once. Thread-safe; {@link #current} never blocks.
 */
final class PolicyStore implements PolicySource.Listener {

  /**
   * The files to read, each again whenever it may have changed.
   *
   * @param policy what is enforced
   * @param shadow what is evaluated beside it
   */
  record PolicyFiles(
      @Nullable Path policy,
      @Nullable Path shadow,
      @Nullable Path roles,
      @Nullable Path services) {}

  /** Hears of what became of a change. */
  interface Listener {
    void policyLoaded(PolicySet policies);

    void policyRejected(PolicySet kept, String problem);
  }

  /** All texts of one moment. */
  private record Texts(
      @Nullable String policy,
      @Nullable String shadow,
      @Nullable String roles,
      @Nullable String services) {}

  private final PolicyFiles files;
  private final @Nullable KubernetesWorkload workload;
  private final AuthorizationPolicy withoutFile;
  private @Nullable Listener listener;
  private volatile PolicySet current = PolicySet.REFUSE_ALL;
  private volatile @Nullable String problem;
  private @Nullable Texts lastGood;
  private PolicySource.@Nullable Documents published;
  private @Nullable String unreadable;
  private @Nullable SpiffeId service;

  /**
   * @param withoutFile what is enforced while there is neither a policy file nor a published policy
   */
  PolicyStore(
      PolicyFiles files, @Nullable KubernetesWorkload workload, AuthorizationPolicy withoutFile) {
    this.files = files;
    this.workload = workload;
    this.withoutFile = withoutFile;
  }

  /** Tells the listener what is in force, and from now on of every change. */
  synchronized void listen(Listener to) {
    listener = to;
    if (!current.enforced().equals(AuthorizationPolicy.REFUSE_ALL)) {
      to.policyLoaded(current);
    }
    if (problem != null) {
      to.policyRejected(current, problem);
    }
  }

  PolicySet current() {
    return current;
  }

  /** What is wrong with the newest state of files and source, if anything. */
  @Nullable String problem() {
    return problem;
  }

  /**
   * Loads for the first time.
   *
   * @throws MeshRuntimeException naming the file and what is wrong with it
   */
  synchronized void load() {
    reload();
    requireGood();
  }

  /**
   * Says whose policy this is, so that it can be checked against the services file.
   *
   * @throws MeshRuntimeException if the policy is wider than that file allows
   */
  synchronized void servedBy(SpiffeId id) {
    service = id;
    lastGood = null;
    reload();
    requireGood();
  }

  /**
   * Makes sure that the source has given a policy.
   *
   * @throws MeshRuntimeException if there is none or it is unusable
   */
  synchronized void requirePublished(String where) {
    requireGood();
    if (published == null) {
      throw new MeshRuntimeException("there is no policy on " + where + ": publish it first");
    }
  }

  private void requireGood() {
    if (problem != null) {
      throw new MeshRuntimeException("the policy cannot be used: " + problem);
    }
  }

  @Override
  public synchronized void policy(Optional<PolicySource.Documents> documents) {
    published = documents.orElse(null);
    unreadable = null;
    reload();
  }

  @Override
  public synchronized void unreadable(String words) {
    unreadable = words;
    reject(words);
  }

  /** Looks at everything again, and takes over what it says if all of it is good. */
  synchronized void reload() {
    try {
      if (unreadable != null) {
        throw new InvalidPolicyException(unreadable);
      }
      Texts texts = texts();
      if (problem == null && texts.equals(lastGood)) {
        return;
      }
      PolicySet next = read(texts);
      boolean same = revisions(next).equals(revisions(current));
      lastGood = texts;
      problem = null;
      current = next;
      if (!same && listener != null) {
        listener.policyLoaded(next);
      }
    } catch (InvalidPolicyException e) {
      reject(String.valueOf(e.getMessage()));
    }
  }

  private void reject(String words) {
    if (!words.equals(problem)) {
      problem = words;
      if (listener != null) {
        listener.policyRejected(current, words);
      }
    }
  }

  private static List<String> revisions(PolicySet policies) {
    AuthorizationPolicy shadow = policies.shadow();
    return List.of(policies.enforced().id(), shadow == null ? "" : shadow.id());
  }

  private PolicySet read(Texts texts) throws InvalidPolicyException {
    Roles roles =
        texts.roles() == null ? Roles.NONE : in(files.roles(), Roles::read, texts.roles());
    ServiceTable services =
        texts.services() == null
            ? ServiceTable.EMPTY
            : in(files.services(), ServiceTable::read, texts.services());
    PolicySet main =
        texts.policy() == null
            ? new PolicySet(withoutFile, null, ServiceTable.EMPTY)
            : in(files.policy(), text -> PolicySet.read(text, roles, workload), texts.policy());
    AuthorizationPolicy shadow = main.shadow();
    if (texts.shadow() != null) {
      if (shadow != null) {
        throw new InvalidPolicyException(
            "there is a shadow policy, and the policy itself has dry runs: expected one of them");
      }
      PolicySet second =
          in(files.shadow(), text -> PolicySet.read(text, roles, workload), texts.shadow());
      shadow = second.enforced();
    }
    if (service != null) {
      services.check(main.enforced(), service);
    }
    return new PolicySet(main.enforced(), shadow, services);
  }

  private interface Reading<T> {
    T read(String text) throws InvalidPolicyException;
  }

  /** Reads a text so that complaints name the file it is from. */
  private static <T> T in(@Nullable Path file, Reading<T> reading, String text)
      throws InvalidPolicyException {
    try {
      return reading.read(text);
    } catch (InvalidPolicyException e) {
      throw file == null ? e : new InvalidPolicyException(file + ": " + e.getMessage(), e);
    }
  }

  private Texts texts() throws InvalidPolicyException {
    PolicySource.Documents documents = published;
    return documents == null
        ? new Texts(
            content(files.policy()),
            content(files.shadow()),
            content(files.roles()),
            content(files.services()))
        : new Texts(
            documents.enforced(),
            documents.shadow(),
            content(files.roles()),
            content(files.services()));
  }

  private static @Nullable String content(@Nullable Path file) throws InvalidPolicyException {
    if (file == null) {
      return null;
    }
    try (InputStream in = Files.newInputStream(file)) {
      byte[] content = in.readNBytes(PolicyDocument.MAX_BYTES + 1);
      if (content.length > PolicyDocument.MAX_BYTES) {
        throw new InvalidPolicyException(
            file + ": it is larger than " + PolicyDocument.MAX_BYTES + " bytes");
      }
      return UTF_8.newDecoder().decode(ByteBuffer.wrap(content)).toString();
    } catch (NoSuchFileException e) {
      throw new InvalidPolicyException(file + ": no such file", e);
    } catch (CharacterCodingException e) {
      throw new InvalidPolicyException(file + ": it is not UTF-8", e);
    } catch (IOException e) {
      throw new InvalidPolicyException(file + ": " + e.getMessage(), e);
    }
  }
}
