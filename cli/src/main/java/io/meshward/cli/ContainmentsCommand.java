package io.meshward.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.responder.ApprovalSigner;
import io.meshward.responder.ContainmentClient;
import io.meshward.responder.ContainmentClient.Answer;
import io.meshward.schemas.Containment;
import io.meshward.schemas.EventCodec;
import io.meshward.schemas.Response;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.common.KafkaException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows containments, and takes people's words about them. */
@Command(
    name = "containments",
    description = "Shows containments, approves, refuses or releases them.",
    mixinStandardHelpOptions = true,
    subcommandsRepeatable = false)
final class ContainmentsCommand implements Runnable {
  private static final Duration ANSWER = Duration.ofSeconds(15);

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "no command given: expected list, show, approve, veto, release or keygen");
  }

  /** Lists containments, the one that moved last first. */
  @Command(
      name = "list",
      description = "Lists containments, the one that moved last first.",
      mixinStandardHelpOptions = true)
  int list(
      @Mixin Connection connection,
      @Mixin Output output,
      @Option(names = "--all", description = "Also those that have ended.") boolean all) {
    return connection.with(
        spec,
        client -> {
          List<Containment> found =
              client.list().stream()
                  .filter(each -> all || !each.containment().state().terminal())
                  .toList();
          if (output.format == Format.json) {
            ArrayNode array = EventCodec.object().arrayNode();
            found.forEach(each -> array.add(EventCodec.toTree(each)));
            out().println(array);
          } else {
            new ContainmentTable(out()).print(found);
          }
          return ExitCode.OK;
        });
  }

  /** Shows one containment with its history. */
  @Command(
      name = "show",
      description = "Shows one containment with its steps and its history.",
      mixinStandardHelpOptions = true)
  int show(@Mixin Connection connection, @Mixin Output output, @Mixin Subject subject) {
    return connection.with(
        spec,
        client -> {
          Containment found = subject.find(client);
          List<Response> history = client.history(subject.id);
          if (output.format == Format.json) {
            ObjectNode object = EventCodec.object();
            object.set("containment", EventCodec.toTree(found));
            object.set("responses", EventCodec.toTree(history));
            out().println(object);
          } else {
            new ContainmentTable(out()).print(found, history);
          }
          return ExitCode.OK;
        });
  }

  /** Approves a plan that waits for it. */
  @Command(
      name = "approve",
      description = "Approves the plan of a containment that waits for it.",
      mixinStandardHelpOptions = true)
  int approve(@Mixin Connection connection, @Mixin Subject subject, @Mixin Word word) {
    return say(
        connection,
        subject,
        word,
        client -> client.approve(subject.id, word.reason, word.signer(spec)));
  }

  /** Refuses a plan that waits for approval. */
  @Command(
      name = "veto",
      description = "Refuses the plan of a containment that waits for approval.",
      mixinStandardHelpOptions = true)
  int veto(@Mixin Connection connection, @Mixin Subject subject, @Mixin Word word) {
    return say(
        connection,
        subject,
        word,
        client -> client.veto(subject.id, word.reason, word.signer(spec)));
  }

  /** Undoes a containment. */
  @Command(
      name = "release",
      description = "Undoes a containment: holds first, then everything else in reverse order.",
      mixinStandardHelpOptions = true)
  int release(
      @Mixin Connection connection,
      @Mixin Subject subject,
      @Mixin Word word,
      @Option(
              names = "--wait",
              paramLabel = "SECONDS",
              description = "Waits until it is recovered; exits with 1 if that takes longer.")
          @Nullable Integer wait) {
    int said =
        say(
            connection,
            subject,
            word,
            client ->
                word.unsignedAs == null
                    ? client.release(subject.id, word.reason, word.signer(spec))
                    : client.releaseUnsigned(subject.id, word.reason, word.unsignedAs));
    if (said != ExitCode.OK || wait == null) {
      return said;
    }
    return connection.with(
        spec,
        client -> {
          Optional<Containment> recovered =
              client.await(
                  subject.id,
                  each -> each.containment().state().terminal(),
                  Duration.ofSeconds(wait));
          out()
              .println(
                  recovered
                      .map(each -> "The containment is " + each.containment().state() + ".")
                      .orElse("The containment is not recovered yet."));
          return recovered.isPresent() ? ExitCode.OK : ExitCode.PROBLEMS;
        });
  }

  private int say(Connection connection, Subject subject, Word word, Saying saying) {
    word.check(spec);
    return connection.with(
        spec,
        client -> {
          subject.find(client);
          String statement = saying.say(client);
          Answer answer = client.answer(subject.id, statement, ANSWER);
          return switch (answer) {
            case Answer.Counted counted -> {
              out().println("Counted: the containment is " + counted.state() + ".");
              yield ExitCode.OK;
            }
            case Answer.Refused refused ->
                throw new CommandException(ExitCode.NOT_ALLOWED, refused.reason());
            case Answer.None _ ->
                throw new CommandException(
                    ExitCode.UNREACHABLE,
                    "no responder answered within "
                        + ANSWER.toSeconds()
                        + " s; the statement counts once one does");
          };
        });
  }

  /** Makes a key pair for a person who approves and releases. */
  @Command(
      name = "keygen",
      description = {
        "Makes a key pair (Ed25519) for a person who approves and releases: NAME.jwk is the",
        "person's secret, NAME.pub.jwk is for the responder's 'approvers'."
      },
      mixinStandardHelpOptions = true)
  int keygen(
      @Parameters(paramLabel = "NAME", description = "The key id, such as the person's name.")
          String name,
      @Option(
              names = "--directory",
              paramLabel = "DIR",
              description = "Where the files go (default: here).")
          @Nullable Path directory) {
    if (!name.matches("[A-Za-z0-9._@-]{1,100}")) {
      throw new ParameterException(
          spec.commandLine(), "NAME is '" + name + "': expected letters, digits and ._@-");
    }
    Path folder = directory == null ? Path.of("") : directory;
    ApprovalSigner.KeyPair pair = ApprovalSigner.generate(name);
    Path secret = folder.resolve(name + ".jwk");
    Path known = folder.resolve(name + ".pub.jwk");
    try {
      Files.createFile(
          secret,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      Files.writeString(secret, pair.privateJwk() + "\n");
      Files.writeString(known, pair.publicJwk() + "\n", StandardOpenOption.CREATE_NEW);
    } catch (FileAlreadyExistsException e) {
      throw new CommandException(
          ExitCode.CONFLICT, e.getFile() + " exists: expected a new name, or another directory", e);
    } catch (IOException e) {
      throw new CommandException(ExitCode.PROBLEMS, "cannot write the key: " + e, e);
    }
    out().println("Secret key: " + secret);
    out().println("Public key: " + known);
    out().println("Responder:  approvers: {" + name + ": " + known.toAbsolutePath() + "}");
    return ExitCode.OK;
  }

  private PrintWriter out() {
    return spec.commandLine().getOut();
  }

  /** How answers are written. */
  enum Format {
    table,
    json
  }

  /** Which form the answer has. */
  static final class Output {
    @Option(
        names = {"-o", "--output"},
        paramLabel = "FORMAT",
        description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
    private Format format = Format.table;
  }

  /** Which containment. */
  static final class Subject {
    @Parameters(paramLabel = "ID", description = "The containment's id.")
    private String id = "";

    Containment find(ContainmentClient client) {
      Optional<Containment> found;
      try {
        found = client.find(id);
      } catch (IllegalArgumentException e) {
        throw new CommandException(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
      }
      return found.orElseThrow(
          () -> new CommandException(ExitCode.PROBLEMS, "there is no containment " + id));
    }
  }

  /** A person's word. */
  static final class Word {
    @Option(
        names = "--reason",
        required = true,
        paramLabel = "TEXT",
        description = "Why, for the record.")
    private String reason = "";

    @Option(
        names = "--key",
        paramLabel = "FILE",
        description = "The secret key to sign with, as keygen makes it.")
    private @Nullable Path key;

    @Option(
        names = "--unsigned-as",
        paramLabel = "NAME",
        description = "Does not sign: counts only where a demonstration allows it.")
    private @Nullable String unsignedAs;

    void check(CommandSpec spec) {
      if ((key == null) == (unsignedAs == null)) {
        throw new ParameterException(
            spec.commandLine(), "expected --key FILE (or, in a demonstration, --unsigned-as NAME)");
      }
    }

    ApprovalSigner signer(CommandSpec spec) {
      if (key == null) {
        throw new ParameterException(spec.commandLine(), "expected --key FILE");
      }
      try {
        return ApprovalSigner.load(key);
      } catch (IllegalArgumentException e) {
        throw new CommandException(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
      }
    }
  }

  /** How Kafka is reached. */
  static final class Connection {
    @Mixin private BrokerConnection broker = new BrokerConnection();

    int with(CommandSpec spec, Work work) {
      try (ContainmentClient client = ContainmentClient.open(broker.config(spec))) {
        return work.run(client);
      } catch (KafkaException | IllegalStateException e) {
        throw broker.unreachable(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CommandException(ExitCode.PROBLEMS, "interrupted", e);
      }
    }
  }

  /** What is done with a client; its result is the exit code. */
  @FunctionalInterface
  interface Work {
    int run(ContainmentClient client) throws InterruptedException;
  }

  /** What is said; its result is the statement's id. */
  @FunctionalInterface
  interface Saying {
    String say(ContainmentClient client);
  }
}
