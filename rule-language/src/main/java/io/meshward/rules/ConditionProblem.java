package io.meshward.rules;

/**
 * What is wrong with, or suspicious in, a condition.
 *
 * @param position where in the text that was parsed, which may be that of a macro
 */
public record ConditionProblem(DiagnosticCode code, String message, Position position) {}
