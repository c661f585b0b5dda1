@NullMarked
package io.meshward.embedded;

import org.jspecify.annotations.NullMarked;
