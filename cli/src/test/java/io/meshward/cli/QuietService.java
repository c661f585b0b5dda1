package io.meshward.cli;

import io.meshward.examples.ShopLine;
import java.io.IOException;

/** A process that says it works, and does nothing until its standard input ends. */
final class QuietService {
  private QuietService() {}

  /** Announces the address it was told. */
  public static void main(String[] arguments) throws IOException {
    String address = System.getenv("SHOP_ADDRESS");
    System.out.println(new ShopLine.Ready(System.getenv("POD_NAME"), address + ":1").toLine());
    while (System.in.read() >= 0) {
      // Only the end counts.
    }
  }
}
