@NullMarked
package io.meshward.daemon;

import org.jspecify.annotations.NullMarked;
