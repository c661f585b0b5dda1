package io.meshward.daemon;

import java.nio.ByteBuffer;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/** Writes answers to Jetty. */
final class Replies {
  private Replies() {}

  static void write(Response response, Callback callback, HttpReply reply) {
    response.setStatus(reply.status());
    response.getHeaders().put(HttpHeader.CONTENT_TYPE, reply.contentType());
    response.getHeaders().put(HttpHeader.CONTENT_LENGTH, reply.body().length);
    if (!response.getRequest().consumeAvailable()) {
      // The rest of the body would be taken for the next request.
      response.getHeaders().put(HttpHeader.CONNECTION, "close");
    }
    reply.headers().forEach((name, value) -> response.getHeaders().put(name, value));
    response.write(true, ByteBuffer.wrap(reply.body()), callback);
  }
}
