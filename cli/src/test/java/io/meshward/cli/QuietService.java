package io.meshward.cli;

import io.meshward.examples.ShopLine;
import java.io.IOException;
import java.time.Instant;

/**
 * A process that says it works, and does nothing until its standard input ends or it is told to
 * stop; then it has one more thing to say.
 */
final class QuietService {
  private QuietService() {}

  /** Announces the address it was told. */
  public static void main(String[] arguments) throws IOException {
    String pod = System.getenv("POD_NAME");
    String address = System.getenv("SHOP_ADDRESS");
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () ->
                    System.out.println(
                        new ShopLine.Call(
                                pod, null, "a", "b", "m", Instant.EPOCH, Instant.EPOCH, "OK", null)
                            .toLine())));
    System.out.println(new ShopLine.Ready(pod, address + ":1").toLine());
    while (System.in.read() >= 0) {
      // Only the end counts.
    }
  }
}
