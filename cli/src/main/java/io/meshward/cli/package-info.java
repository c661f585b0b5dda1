@NullMarked
package io.meshward.cli;

import org.jspecify.annotations.NullMarked;
