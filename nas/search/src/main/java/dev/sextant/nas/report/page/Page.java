package dev.sextant.nas.report.page;

/** What frames a report: the head of the document and its style. */
public final class Page {
  /** Colors of the palette. */
  public static final int COLORS = 8;

  /** Nothing is fetched and nothing runs, whatever a report should ever come to hold. */
  private static final String POLICY = "default-src 'none'; style-src 'unsafe-inline'";

  /** Holds no character that XML would have to escape. */
  private static final String STYLE =
      """

      :root { color-scheme: light dark;
        --page: #ffffff; --card: #f5f7f9; --ink: #1a1f26; --muted: #56606c; --rule: #dce1e7;
        --heat: #0b5fa5; --good: #0a7d4f;
        --c0: #0b6cb3; --c1: #d1570a; --c2: #0b8a63; --c3: #b34a8c;
        --c4: #b98500; --c5: #5a6ad0; --c6: #8a5a3c; --c7: #6b7580; }
      @media screen and (prefers-color-scheme: dark) { :root {
        --page: #14181d; --card: #1c2127; --ink: #e6eaee; --muted: #a1acb8; --rule: #343c46;
        --heat: #6bb8f2; --good: #4fd19b;
        --c0: #58aef0; --c1: #ff9150; --c2: #3fcf9f; --c3: #e58cc4;
        --c4: #e6bb3c; --c5: #98a5ff; --c6: #c99a78; --c7: #9aa6b2; } }
      * { box-sizing: border-box; }
      body { margin: 0 auto; padding: 24px 20px 48px; max-width: 1060px; background: var(--page);
        color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
      h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
      h2 { font-size: 19px; margin: 36px 0 8px; border-bottom: 1px solid var(--rule);
        padding-bottom: 4px; }
      p { margin: 6px 0 12px; overflow-wrap: anywhere; }
      .note, figcaption small { color: var(--muted); }
      .state { display: inline-block; padding: 1px 10px; border: 1px solid var(--c1);
        border-radius: 12px; color: var(--c1); font-size: 13px; }
      .tiles { display: grid; gap: 12px; margin: 18px 0;
        grid-template-columns: repeat(auto-fit, minmax(165px, 1fr)); }
      .tiles div { background: var(--card); border-radius: 8px; padding: 10px 14px; }
      .tiles dt { color: var(--muted); font-size: 13px; }
      .tiles dd { margin: 0; font-size: 21px; font-variant-numeric: tabular-nums; }
      .tiles dd small { display: block; color: var(--muted); font-size: 13px; }
      .grid { display: grid; gap: 20px 28px; align-items: start;
        grid-template-columns: repeat(auto-fit, minmax(min(420px, 100%), 1fr)); }
      figure { margin: 0; max-width: 520px; break-inside: avoid; }
      figure.wide { max-width: none; }
      figcaption { font-weight: 600; }
      figure svg { display: block; width: 100%; height: auto; }
      .scroll { overflow-x: auto; }
      .scroll svg { min-width: 640px; }
      .legend { display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 2px 0 4px; font-size: 13px;
        color: var(--muted); }
      .legend span { white-space: nowrap; }
      svg.swatch { display: inline-block; width: 24px; height: 10px; }
      svg text { fill: var(--ink); font-size: 12px; font-family: system-ui, sans-serif;
        font-variant-numeric: tabular-nums; }
      svg .label { fill: var(--muted); font-size: 11.5px; }
      svg .taken { font-weight: 700; fill: var(--good); }
      svg .total { font-weight: 700; }
      svg .tick { stroke: var(--rule); stroke-width: 1; }
      svg .axis { stroke: var(--muted); stroke-width: 1; }
      svg .level { stroke: var(--ink); stroke-width: 1.3; stroke-dasharray: 2 3; }
      svg .warmup { fill: var(--muted); fill-opacity: .13; }
      svg .line { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; }
      svg .dashed { stroke-dasharray: 6 4; }
      svg .mark { fill: currentColor; }
      svg .faint { opacity: .45; }
      svg .line.faint { stroke-width: 1.2; }
      svg .heat { fill: var(--heat); }
      svg .frame { fill: none; stroke: var(--rule); }
      svg .box { fill: currentColor; fill-opacity: .85; }
      svg .skipped { fill: none; stroke: var(--muted); stroke-dasharray: 3 3; opacity: .6; }
      svg .away { fill: var(--muted); opacity: .75; }
      svg .cost { fill: var(--muted); fill-opacity: .35; }
      svg .flow { stroke: var(--rule); stroke-width: 2; }
      svg .edge { stroke: var(--ink); stroke-width: 1.5; }
      .c0 { color: var(--c0); } .c1 { color: var(--c1); } .c2 { color: var(--c2); }
      .c3 { color: var(--c3); } .c4 { color: var(--c4); } .c5 { color: var(--c5); }
      .c6 { color: var(--c6); } .c7 { color: var(--c7); }
      table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
      caption { text-align: left; color: var(--muted); padding: 4px 0 8px; }
      th, td { padding: 3px 12px 3px 0; border-bottom: 1px solid var(--rule); text-align: right;
        white-space: nowrap; }
      th { color: var(--muted); font-weight: 600; vertical-align: bottom; }
      th.name, td.name { text-align: left; }
      td.wrap { white-space: normal; overflow-wrap: anywhere; text-align: left; }
      tr { break-inside: avoid; }
      summary { cursor: pointer; }
      @media print { body { max-width: none; padding: 0; font-size: 11pt; }
        h2 { break-after: avoid; } .scroll { overflow: visible; } .scroll svg { min-width: 0; }
        * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
      """;

  private Page() {}

  /**
   * {@return a document up to the beginning of its body; two elements are left to close}
   *
   * @param title of the document
   */
  public static Html open(String title) {
    Html html = new Html();
    html.open("html", "xmlns", "http://www.w3.org/1999/xhtml", "lang", "en");
    html.open("head");
    html.open("meta", "charset", "utf-8");
    html.open("meta", "http-equiv", "Content-Security-Policy", "content", POLICY);
    html.open("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
    html.leaf("title", title);
    html.leaf("style", STYLE);
    html.close();
    return html.open("body");
  }
}
