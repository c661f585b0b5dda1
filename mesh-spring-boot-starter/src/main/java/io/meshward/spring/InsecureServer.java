package io.meshward.spring;

/**
 * A way into the application that the mesh does not guard.
 *
 * @param what the bean or library that would serve
 * @param remedy what to do about it
 */
record InsecureServer(String what, String remedy) {}
