package com.example.foreign;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/** A service as its owner writes it: nothing here knows of identities or TLS. */
@SpringBootApplication
public class GreeterApplication {
  public static void main(String[] arguments) {
    SpringApplication.run(GreeterApplication.class, arguments);
  }
}
