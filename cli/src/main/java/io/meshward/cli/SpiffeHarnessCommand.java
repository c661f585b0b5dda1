package io.meshward.cli;

import io.meshward.runtime.MeshRuntime;
import io.meshward.runtime.MeshRuntimeBuilder;
import io.meshward.runtime.MeshRuntimeException;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Lets a conformance suite drive mesh-runtime. */
@Command(
    name = "spiffe-harness",
    description = {
      "Serves mesh-runtime to a SPIFFE conformance suite, on two ports of 127.0.0.1.",
      "",
      "The Workload API is the one that SPIFFE_ENDPOINT_SOCKET names. Once the first X.509-SVID is"
          + " there, it prints SPIFFE_HARNESS_VERSION, SPIFFE_X509_PORT, SPIFFE_CONTROL_PORT and"
          + " READY, a line each, and serves until it is stopped. It reports no events, honours no"
          + " quarantine and authorises every SPIFFE ID: it is for tests only."
    },
    mixinStandardHelpOptions = true)
final class SpiffeHarnessCommand implements Callable<Integer> {
  /** The suite decides how long to wait: it simply sees no READY. */
  private static final Duration UNTIL_STOPPED = Duration.ofDays(1);

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException, InterruptedException {
    try (MeshRuntime mesh = start();
        SpiffeHarness harness = SpiffeHarness.start(mesh)) {
      PrintWriter out = spec.commandLine().getOut();
      out.println("SPIFFE_HARNESS_VERSION=1");
      out.println("SPIFFE_X509_PORT=" + harness.x509Port());
      out.println("SPIFFE_CONTROL_PORT=" + harness.controlPort());
      out.println("READY");
      out.flush();
      // The process ends by a signal; its sockets end with it.
      new CountDownLatch(1).await();
    }
    return ExitCode.OK;
  }

  /** How the library is started; the Workload API is still to be found in the environment. */
  static MeshRuntimeBuilder settings() {
    return MeshRuntime.builder().withoutEvents().withoutQuarantine().startDeadline(UNTIL_STOPPED);
  }

  private static MeshRuntime start() {
    try {
      return settings().start();
    } catch (IllegalArgumentException e) {
      throw new CommandException(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
    } catch (MeshRuntimeException e) {
      throw new CommandException(ExitCode.UNREACHABLE, String.valueOf(e.getMessage()), e);
    }
  }
}
