"use strict";
// Keeps the page up to date by server-sent events. Whatever names of files and classes hold goes in
// as text; HTML comes only from the server, which escapes it.
(() => {
  const me = document.currentScript.dataset;
  const $ = (id) => document.getElementById(id);
  const query = new URLSearchParams({ token: me.token, run: me.run });
  const number = (value, digits) =>
    Number.isFinite(value) ? value.toPrecision(digits) : "–";
  const bytes = (value) => (value / 2 ** 30).toFixed(1) + " GiB";
  const time = (seconds) => {
    const s = Math.max(0, Math.round(seconds));
    return s < 60 ? s + " s"
      : s < 3600 ? Math.floor(s / 60) + " min " + (s % 60) + " s"
      : Math.floor(s / 3600) + " h " + (Math.floor(s / 60) % 60) + " min";
  };

  // ---- the report, section by section, so that what is open, focused or selected stays

  const shown = () => {
    document.querySelectorAll(".seen.shown").forEach((e) => e.classList.remove("shown"));
    const target = location.hash.length > 1 ? $(location.hash.slice(1)) : null;
    if (target) target.classList.add("shown");
  };
  addEventListener("hashchange", () => { shown(); const t = $(location.hash.slice(1)); if (t) t.focus(); });

  let sources = [];
  const update = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    const fresh = [...template.content.firstElementChild.children];
    const main = $("report");
    const focused = document.activeElement && document.activeElement.getAttribute("href");
    const now = fresh.map((e) => e.outerHTML);
    fresh.forEach((element, i) => {
      const old = main.children[i];
      if (!old) main.append(element);
      else if (sources[i] !== now[i]) {
        const open = [...old.querySelectorAll("details")].map((d) => d.open);
        if (old.tagName === "DETAILS" && element.tagName === "DETAILS") element.open = old.open;
        element.querySelectorAll("details").forEach((d, j) => { if (j < open.length) d.open = open[j]; });
        old.replaceWith(element);
      }
    });
    while (main.children.length > fresh.length) main.lastElementChild.remove();
    sources = now;
    if (focused && focused.startsWith("#") && document.activeElement === document.body) {
      const again = document.querySelector(`a[href="${CSS.escape(focused).replaceAll("\\", "")}"]`);
      if (again) again.focus({ preventScroll: true });
    }
    exports();
    shown();
  };

  // ---- pictures of charts

  const styled = (svg) => {
    const copy = svg.cloneNode(true);
    const from = [svg, ...svg.querySelectorAll("*")];
    [copy, ...copy.querySelectorAll("*")].forEach((to, i) => {
      const style = getComputedStyle(from[i]);
      ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "fill-opacity", "font-size",
        "font-family", "font-weight", "visibility", "color"]
        .forEach((name) => to.style.setProperty(name, style.getPropertyValue(name)));
    });
    const box = svg.viewBox.baseVal;
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    copy.setAttribute("width", box.width);
    copy.setAttribute("height", box.height);
    copy.style.background = getComputedStyle(document.body).backgroundColor;
    return new XMLSerializer().serializeToString(copy);
  };
  const save = (blob, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  const picture = (svg, name, png) => {
    const blob = new Blob([styled(svg)], { type: "image/svg+xml" });
    if (!png) return save(blob, name + ".svg");
    const image = new Image();
    image.onload = () => {
      const canvas = document.createElement("canvas");
      canvas.width = 2 * image.width;
      canvas.height = 2 * image.height;
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      URL.revokeObjectURL(image.src);
      canvas.toBlob((out) => save(out, name + ".png"));
    };
    image.src = URL.createObjectURL(blob);
  };
  const exports = () => {
    document.querySelectorAll("figure:not(.wide)").forEach((figure) => {
      const svg = figure.querySelector(":scope > svg");
      if (!svg || figure.querySelector(".export")) return;
      const title = figure.querySelector("figcaption").textContent;
      const name = title.toLowerCase().replace(/[^a-z0-9]+/g, "-");
      const line = document.createElement("p");
      line.className = "export";
      ["SVG", "PNG"].forEach((kind) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = kind;
        button.setAttribute("aria-label", title + " as " + kind);
        button.onclick = () => picture(svg, name, kind === "PNG");
        line.append(button);
      });
      figure.append(line);
    });
  };

  // ---- the state of the run and of the machine

  const state = (s) => {
    if (s.state) {
      const parts = [s.state];
      if (s.state === "running" && s.stage) {
        parts.push(s.stage + " " + s.done + " of " + s.steps);
        if (s.status) parts.push(s.status);
        if (s.peakBytes) parts.push("tensors " + (s.peakBytes / 2 ** 20).toFixed(1) + " MiB");
        parts.push(s.secondsLeft === undefined ? "time left not known yet" : time(s.secondsLeft) + " left");
      }
      $("stage").textContent = parts.join(" · ");
      $("done").value = s.steps ? s.done / s.steps : s.state === "ended" ? 1 : 0;
      const stop = $("stop");
      if (stop) stop.hidden = s.state !== "running";
    } else $("stage").textContent = "";
    const m = s.machine;
    $("machine").textContent =
      (m.load === undefined ? "" : "machine busy " + Math.round(100 * m.load) + " % of " + m.processors + " processors · ")
      + "memory " + bytes(m.memoryBytes - m.freeBytes) + " of " + bytes(m.memoryBytes);
  };

  const stop = $("stop");
  if (stop) stop.onclick = async () => {
    if (!confirm("Stop this run? sextant resume goes on from its last checkpoint.")) return;
    const answer = await fetch("/stop?" + query, { method: "POST" });
    $("stage").textContent = (await answer.text()).trim();
  };

  // ---- the table of a directory

  const columns = [
    ["name", "run"], ["state", "state"], ["method", "method"], ["space", "space"], ["data", "data"],
    ["seed", "seed"], ["budget", "budget"], ["measuredMs", "measured ms"],
    ["testAccuracy", "test accuracy"], ["randomAccuracy", "random search"], ["progress", "done"]];
  const shares = new Set(["testAccuracy", "randomAccuracy", "progress"]);
  let rows = [], key = "name", up = true;
  const chosen = new Set();
  const text = (row, field) => {
    const value = row[field];
    return value === undefined ? "–"
      : shares.has(field) ? (100 * value).toFixed(field === "progress" ? 0 : 2) + " %"
      : typeof value === "number" && field !== "seed" ? number(value, 4) : String(value);
  };
  const table = () => {
    const wanted = $("filter").value.toLowerCase();
    const sorted = rows
      .filter((row) => columns.some(([f]) => text(row, f).toLowerCase().includes(wanted)))
      .sort((a, b) => {
        const x = a[key], y = b[key];
        const order = x === undefined ? 1 : y === undefined ? -1
          : typeof x === "number" ? x - y : String(x).localeCompare(String(y));
        return up ? order : -order;
      });
    const out = document.createElement("table");
    out.className = "cards";
    const head = out.createTHead().insertRow();
    head.append(document.createElement("th"));
    columns.forEach(([field, title]) => {
      const th = document.createElement("th");
      th.scope = "col";
      if (field === key) th.setAttribute("aria-sort", up ? "ascending" : "descending");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = title + (field === key ? (up ? " ▲" : " ▼") : "");
      button.onclick = () => { up = key === field ? !up : true; key = field; table(); };
      th.append(button);
      head.append(th);
    });
    const body = out.createTBody();
    sorted.forEach((row) => {
      const tr = body.insertRow();
      const box = document.createElement("input");
      box.type = "checkbox";
      box.checked = chosen.has(row.name);
      box.setAttribute("aria-label", "choose " + row.name);
      box.onchange = () => box.checked ? chosen.add(row.name) : chosen.delete(row.name);
      tr.insertCell().append(box);
      columns.forEach(([field, title]) => {
        const td = tr.insertCell();
        td.dataset.label = title;
        if (field === "name") {
          const link = document.createElement("a");
          link.href = "/?" + new URLSearchParams({ token: me.token, run: row.name });
          link.textContent = row.name;
          td.append(link);
        } else td.textContent = text(row, field);
        if (field === "state" && row.trouble) td.title = row.trouble;
      });
    });
    $("table").replaceChildren(out);
  };
  if ($("filter")) {
    $("filter").oninput = table;
    $("overlay").onclick = async () => {
      const asked = new URLSearchParams({ token: me.token });
      chosen.forEach((name) => asked.append("run", name));
      const answer = await fetch("/overlay?" + asked);
      const said = await answer.text();
      if (answer.ok) { $("over").innerHTML = said; exports(); } else $("over").textContent = said;
    };
  }

  const source = new EventSource("/events?" + query);
  source.addEventListener("report", (e) => update(JSON.parse(e.data).html));
  source.addEventListener("state", (e) => state(JSON.parse(e.data)));
  source.addEventListener("trouble", (e) => { $("stage").textContent = JSON.parse(e.data).text; });
  source.addEventListener("table", (e) => { rows = JSON.parse(e.data).rows; table(); });
  source.onerror = () => { $("stage").textContent = "no connection: the page's process has ended, or is coming back"; };
})();
