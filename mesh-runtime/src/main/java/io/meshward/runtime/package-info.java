@NullMarked
package io.meshward.runtime;

import org.jspecify.annotations.NullMarked;
