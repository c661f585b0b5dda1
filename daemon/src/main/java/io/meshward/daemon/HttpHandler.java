package io.meshward.daemon;

/** Answers the requests of one route. Called on a virtual thread; may block. Thread-safe. */
@FunctionalInterface
public interface HttpHandler {
  /**
   * Answers a request.
   *
   * @throws ProblemException to answer with a problem
   * @throws Exception anything else is logged and answered with 500
   */
  HttpReply handle(HttpCall call) throws Exception;
}
