@NullMarked
package io.meshward.schemas;

import org.jspecify.annotations.NullMarked;
