package dev.sextant.nas.report.page;

/** What frames a report: the head of the document and its style. */
public final class Page {
  /** Colors of the palette. */
  public static final int COLORS = 8;

  /** Nothing is fetched and nothing runs, whatever a report should ever come to hold. */
  private static final String POLICY =
      "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

  /** Holds no character that XML would have to escape. */
  private static final String STYLE =
      """

      :root { color-scheme: light dark;
        --page: #ffffff; --card: #f5f7f9; --ink: #1a1f26; --muted: #56606c; --rule: #dce1e7;
        --heat: #0b5fa5; --good: #0a7d4f;
        --c0: #0b6cb3; --c1: #d1570a; --c2: #0b8a63; --c3: #b34a8c;
        --c4: #12161b; --c5: #22107a; --c6: #63400f; --c7: #9d2bef; }
      @media screen and (prefers-color-scheme: dark) { :root {
        --page: #14181d; --card: #1c2127; --ink: #e6eaee; --muted: #a1acb8; --rule: #343c46;
        --heat: #6bb8f2; --good: #4fd19b;
        --c0: #58aef0; --c1: #ff9150; --c2: #3fcf9f; --c3: #e58cc4;
        --c4: #e4d012; --c5: #766ff5; --c6: #ebfca9; --c7: #6f6f6f; } }
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
      .live { position: sticky; top: 0; z-index: 1; background: var(--card); padding: 8px 12px;
        border-radius: 8px; margin-bottom: 16px; }
      .live p { margin: 2px 0; font-variant-numeric: tabular-nums; }
      .live progress { width: 100%; accent-color: var(--c0); }
      button { font: inherit; color: var(--ink); background: var(--card); cursor: pointer;
        border: 1px solid var(--muted); border-radius: 6px; padding: 1px 10px; margin-right: 8px; }
      th button { border: 0; padding: 0; margin: 0; background: none; color: inherit; font-weight: 600; }
      .export button { font-size: 12px; }
      .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
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
      @media (max-width: 480px) { .legend span { white-space: normal; } }
      svg.swatch { display: inline-block; width: 24px; height: 10px; }
      svg text { fill: var(--ink); font-size: 12px; font-family: system-ui, sans-serif;
        font-variant-numeric: tabular-nums; }
      svg .label { fill: var(--muted); font-size: 11.5px; }
      svg .taken { font-weight: 700; fill: var(--good); }
      svg .total { font-weight: 700; }
      svg .tick { stroke: var(--rule); stroke-width: 1; }
      svg .value { visibility: hidden; font-weight: 600; paint-order: stroke; stroke: var(--page);
        stroke-width: 4px; pointer-events: none; }
      .point:hover .value, .point:focus .value, .point:focus-within .value { visibility: visible; }
      .point:focus { outline: none; } .point:focus .mark { stroke: var(--ink); stroke-width: 2; }
      .seen { display: none; border-left: 3px solid var(--c0); padding-left: 12px; }
      .seen:target, .seen.shown { display: block; }
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
      tr.away th, tr.away td { color: var(--muted); font-weight: 400; }
      tr.differs th, tr.differs td:last-child { font-weight: 700; }
      tr.total th, tr.total td { font-weight: 700; color: var(--ink); }
      td svg.bar { display: inline-block; vertical-align: middle; max-width: 100%; }
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
      tbody th { color: var(--ink); font-weight: 400; }
      @media screen and (max-width: 760px) {
        .cards thead { display: none; }
        .cards, .cards tbody, .cards tr, .cards th, .cards td { display: block; width: 100%; }
        .cards tr { padding: 8px 0; border-bottom: 2px solid var(--rule); }
        .cards tbody th { font-weight: 700; white-space: normal; border: 0; }
        .cards td { display: flex; justify-content: space-between; gap: 12px; border: 0;
          padding: 1px 0; white-space: normal; overflow-wrap: anywhere; }
        .cards td:empty { display: none; }
        .cards td::before { content: attr(data-label); color: var(--muted); text-align: left; }
        .settings td.name { white-space: normal; } }
      td.wrap { white-space: normal; overflow-wrap: anywhere; text-align: left; }
      tr { break-inside: avoid; }
      .confusion td { text-align: center; min-width: 34px; border: 1px solid var(--rule);
        padding: 2px 4px; background: color-mix(in srgb, var(--tint) var(--share, 0%), transparent); }
      .confusion .right { --tint: var(--c2); } .confusion .wrong { --tint: var(--c1); }
      .confusion thead td { border: 0; background: none; }
      .pictures { display: flex; flex-wrap: wrap; gap: 12px; }
      .pictures figure { width: 96px; } .pictures figcaption { font-weight: 400; font-size: 12px;
        line-height: 1.3; overflow-wrap: anywhere; }
      .pictures .scene { width: 160px; } .scene svg { width: 100%; display: block; }
      .scene image { image-rendering: pixelated; }
      .region { fill: none; stroke-width: 1.2; vector-effect: non-scaling-stroke; }
      .region.truth { stroke: #fff; stroke-dasharray: 4 3; outline: 1px solid #000; }
      .region.found { stroke: #ffd400; stroke-width: 2; }
      .pictures img { image-rendering: pixelated; border: 1px solid var(--rule); }
      summary { cursor: pointer; }
      @media print { body { max-width: none; padding: 0; font-size: 11pt; }
        h2 { break-after: avoid; } figure svg { max-height: 9cm; } .scroll { overflow: visible; } .scroll svg { min-width: 0; }
        * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
      """;

  private Page() {}

  /**
   * {@return a document up to the beginning of its body; two elements are left to close}
   *
   * @param title of the document
   */
  public static Html open(String title) {
    return open(title, POLICY);
  }

  /**
   * {@return the same for a page whose server says in a header what it may do}
   *
   * @param title of the document
   */
  public static Html live(String title) {
    return open(title, "");
  }

  private static Html open(String title, String policy) {
    Html html = new Html();
    html.open("html", "xmlns", "http://www.w3.org/1999/xhtml", "lang", "en");
    html.open("head");
    html.open("meta", "charset", "utf-8");
    if (!policy.isEmpty()) {
      html.open("meta", "http-equiv", "Content-Security-Policy", "content", policy);
    }
    html.open("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
    html.leaf("title", title);
    html.leaf("style", STYLE);
    html.close();
    return html.open("body");
  }
}
