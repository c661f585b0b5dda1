package io.meshward.responder;

import org.jspecify.annotations.Nullable;

/**
 * A person's or the responder's own word that moves a containment.
 *
 * @param statement the id of the signed statement; absent if none was needed
 */
record Release(String actor, String reason, @Nullable String statement) {}
