@NullMarked
package io.meshward.detect;

import org.jspecify.annotations.NullMarked;
