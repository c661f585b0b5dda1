package io.meshward.responder;

import io.meshward.schemas.Response;

/**
 * A legal step of a containment from one state to another, or to the same one with a fact added.
 *
 * @param stage where it stands now
 * @param response the record of it, chained to the one before
 */
record Transition<S extends Stage>(S stage, Response response) {}
