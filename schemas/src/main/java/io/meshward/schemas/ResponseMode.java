package io.meshward.schemas;

/** How far the responder may go, from least to most. */
public enum ResponseMode {
  /** Writes a response record. */
  OBSERVE,
  /** Writes the plan and its diff. */
  PLAN,
  /** Runs every step as a server-side dry run. */
  DRYRUN,
  /** Acts once a signed approval of the very plan has come. */
  APPROVE,
  /** Acts. */
  ENFORCE;

  /** The more careful of two modes. */
  public ResponseMode atMost(ResponseMode highest) {
    return compareTo(highest) <= 0 ? this : highest;
  }
}
