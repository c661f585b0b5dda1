/** Benchmarks that look inside of detect-streams. */
@NullMarked
package io.meshward.detect;

import org.jspecify.annotations.NullMarked;
