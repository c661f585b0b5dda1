package io.meshward.rules;

/**
 * A place in a rules file.
 *
 * @param file the file's name as given to the loader
 * @param line 1-based
 * @param column 1-based, in characters
 * @param snippet the source line
 */
record Location(String file, int line, int column, String snippet) {}
