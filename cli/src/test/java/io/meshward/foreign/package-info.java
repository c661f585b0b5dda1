/** A client that knows Meshward from its AsyncAPI file and JSON Schemas only. */
@NullMarked
package io.meshward.foreign;

import org.jspecify.annotations.NullMarked;
