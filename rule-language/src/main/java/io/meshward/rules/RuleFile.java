package io.meshward.rules;

/**
 * A rules file's content.
 *
 * @param name how diagnostics call it
 * @param text YAML, any number of documents
 */
public record RuleFile(String name, String text) {}
