package io.meshward.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A table of texts with a name for each row and each column; long cells are wrapped. */
final class TextTable {
  private static final int CELL = 30;

  private final List<List<String>> rows = new ArrayList<>();

  TextTable(List<String> columns) {
    row("", columns);
  }

  void row(String name, List<String> cells) {
    List<String> row = new ArrayList<>();
    row.add(name);
    row.addAll(cells);
    rows.add(row);
  }

  void print(PrintWriter out) {
    int names = rows.stream().mapToInt(row -> row.getFirst().length()).max().orElse(0);
    for (int i = 0; i < rows.size(); i++) {
      List<List<String>> cells = rows.get(i).stream().skip(1).map(TextTable::wrap).toList();
      int height = cells.stream().mapToInt(List::size).max().orElse(0);
      for (int line = 0; line < height; line++) {
        StringBuilder text = new StringBuilder(pad(line == 0 ? rows.get(i).getFirst() : "", names));
        for (List<String> cell : cells) {
          text.append("  ").append(pad(line < cell.size() ? cell.get(line) : "", CELL));
        }
        out.println(text.toString().stripTrailing());
      }
      if (i == 0) {
        out.println("-".repeat(names + cells.size() * (CELL + 2)));
      }
    }
  }

  private static List<String> wrap(String text) {
    List<String> lines = new ArrayList<>();
    for (String paragraph : text.split("\n", -1)) {
      String line = "";
      for (String word : paragraph.split(" ", -1)) {
        String longer = line.isEmpty() ? word : line + " " + word;
        if (longer.length() > CELL && !line.isEmpty()) {
          lines.add(line);
          line = "  " + word;
        } else {
          line = longer;
        }
        while (line.length() > CELL) {
          lines.add(line.substring(0, CELL));
          line = "  " + line.substring(CELL);
        }
      }
      lines.add(line);
    }
    return lines;
  }

  private static String pad(String text, int width) {
    return String.format(Locale.ROOT, "%-" + width + "s", text);
  }
}
