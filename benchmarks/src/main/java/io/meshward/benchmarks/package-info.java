@NullMarked
package io.meshward.benchmarks;

import org.jspecify.annotations.NullMarked;
