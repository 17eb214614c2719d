package dev.sextant.nas.live;

import dev.sextant.nas.report.page.Html;
import dev.sextant.nas.report.page.Page;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** The page itself: what frames the report, and the script that keeps it up to date. */
final class WatchPage {
  private static final String SCRIPT = script();

  private WatchPage() {}

  private static String script() {
    try (InputStream in = WatchPage.class.getResourceAsStream("watch.js")) {
      if (in == null) {
        throw new IllegalStateException("watch.js is missing");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new IllegalStateException("watch.js cannot be read", e);
    }
  }

  /**
   * The page.
   *
   * @param run its name in the directory, or empty
   * @param table whether the page is the directory's
   * @param back whether there is a directory's to go back to
   * @param nonce of the script, which the page's policy names
   */
  static String of(
      String title, String token, String run, boolean table, boolean back, String nonce) {
    Html html = Page.live(title);
    html.open("header", "class", "live", "id", "live");
    html.leaf("p", "connecting …", "id", "stage", "role", "status", "aria-live", "off");
    html.open("progress", "id", "done", "max", "1", "value", "0", "aria-label", "of the stage")
        .close();
    html.leaf("p", "", "id", "machine", "class", "note");
    html.open("p", "class", "buttons");
    if (table) {
      html.leaf("button", "Lay the chosen over one another", "id", "overlay", "type", "button");
    } else {
      html.leaf("button", "Stop this run", "id", "stop", "type", "button", "hidden", "hidden");
    }
    if (back && !table) {
      html.leaf("a", "All runs", "href", "/?token=" + token);
    }
    html.close().close();
    if (table) {
      html.open("main").leaf("h1", title);
      html.open("label").text("Show runs with ");
      html.open("input", "id", "filter", "type", "search").close().close();
      html.open("div", "id", "table").close();
      html.open("div", "id", "over").close();
      html.close();
    } else {
      html.open("main", "id", "report").close();
    }
    html.open("script", "nonce", nonce, "data-token", token, "data-run", run);
    return html.raw(SCRIPT).close().close().close().finish();
  }
}
