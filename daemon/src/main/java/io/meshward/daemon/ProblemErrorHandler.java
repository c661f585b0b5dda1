package io.meshward.daemon;

import java.util.Locale;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.handler.ErrorHandler;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/** Makes problem JSON of what Jetty itself refuses. Tells nothing of causes or stacks. */
final class ProblemErrorHandler extends ErrorHandler {
  @Override
  public boolean errorPageForMethod(String method) {
    return true;
  }

  @Override
  protected void generateResponse(
      Request request,
      Response response,
      int status,
      @Nullable String message,
      @Nullable Throwable cause,
      Callback callback) {
    Replies.write(response, callback, HttpReply.problem(problem(status, message)));
  }

  private static Problem problem(int status, @Nullable String message) {
    String title = String.valueOf(HttpStatus.getMessage(status));
    String code = title.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "_");
    return new Problem(status, code, status >= 500 || message == null ? title : message);
  }
}
