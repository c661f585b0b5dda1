package io.meshward.embedded;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.meshward.embedded.ResourceApi.Answer;
import java.util.List;

/**
 * {@code selfsubjectaccessreviews} of authorization.k8s.io/v1: whether the client may do something.
 * The double has one user, who may do everything; nothing is kept.
 */
final class AccessReviews {
  private static final String KIND = "SelfSubjectAccessReview";
  private static final List<String> QUESTIONS =
      List.of("resourceAttributes", "nonResourceAttributes");

  private AccessReviews() {}

  /** Whether a path below {@code /apis/GROUP/VERSION} is theirs. */
  static boolean at(String group, String version, List<String> rest) {
    return group.equals("authorization.k8s.io")
        && version.equals("v1")
        && rest.equals(List.of("selfsubjectaccessreviews"));
  }

  /** Answers one. */
  static Answer answer(ApiCall call, RequestBody body) {
    if (!call.method().equals("POST")) {
      throw ApiFailure.methodNotAllowed();
    }
    ObjectNode review = body.object(KIND);
    long questions = QUESTIONS.stream().filter(q -> review.path("spec").path(q).isObject()).count();
    if (questions != 1) {
      throw ApiFailure.invalid(
          "authorization.k8s.io",
          KIND,
          "",
          List.of(
              ApiFailure.Cause.invalid(
                  "spec.resourceAttributes",
                  review.path("spec").path("resourceAttributes").toString(),
                  "exactly one of nonResourceAttributes or resourceAttributes must be specified")));
    }
    review.put("kind", KIND).put("apiVersion", "authorization.k8s.io/v1");
    review.putObject("status").put("allowed", true);
    return new Answer.Document(201, review, List.of());
  }
}
