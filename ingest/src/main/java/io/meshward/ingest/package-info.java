@NullMarked
package io.meshward.ingest;

import org.jspecify.annotations.NullMarked;
