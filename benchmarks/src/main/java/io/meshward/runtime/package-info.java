/** Benchmarks that look inside of mesh-runtime. */
@NullMarked
package io.meshward.runtime;

import org.jspecify.annotations.NullMarked;
