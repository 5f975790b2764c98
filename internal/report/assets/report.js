// The script of the report: it shows the session names a page at a time, sorts
// and filters them, filters the findings and shows one name by itself.
//
// Everything in the data was written by whoever wrote to the log. It reaches the
// page as text only: element() makes text nodes, and nothing here reads markup.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const byId = (id) => document.getElementById(id);
  const data = (id) => JSON.parse(byId(id).textContent);
  const meta = data("meta");
  const accountNames = new Map(meta.accountNames);
  const GLYPHS = ["–", "○", "●", "▲", "◆"]; // by severity

  // ---- Markup -------------------------------------------------------------

  // element makes an element of the given attributes and children. Children
  // that are no nodes become text; null and false are left out.
  function element(tag, attributes, ...children) {
    const e = document.createElement(tag);
    for (const [k, v] of Object.entries(attributes || {})) {
      if (v !== null && v !== false) e.setAttribute(k, v);
    }
    add(e, children);
    return e;
  }
  function add(e, children) {
    for (const c of children.flat()) {
      if (c !== null && c !== false && c !== undefined) e.append(c);
    }
  }
  const count = (n) => n.toLocaleString("en-US");
  const plural = (n, noun) => count(n) + " " + noun + (n === 1 ? "" : "s");
  const time = (s) => (s ? new Date(s * 1000).toISOString().slice(0, 16).replace("T", " ") : "");
  const second = (s) => (s ? new Date(s * 1000).toISOString().slice(0, 19).replace("T", " ") : "");
  const account = (id) => (accountNames.has(id) ? accountNames.get(id) + " (" + id + ")" : id);
  const severityMark = (s) =>
    element("span", { class: "sev " + meta.severities[s] }, glyph(s), meta.severities[s]);
  const glyph = (s) => element("span", { class: "glyph", "aria-hidden": "true" }, GLYPHS[s]);
  const ruleTag = (rule, severity) =>
    element("span", { class: "tag " + meta.severities[severity] }, glyph(severity), meta.rules[rule], severity === 0 && " (ignored)");
  const nameLink = (n, ...children) => element("a", { href: "#name-" + (n + 1) }, ...children);

  // ---- Data ---------------------------------------------------------------

  // Columns of a row; html_data.go says what they hold.
  const NAME = 0, ROLE = 1, ACCOUNT = 2, PATTERN = 3, SEVERITY = 4, CONFIDENCE = 5, ORIGINS = 6,
    ORIGIN_COUNT = 7, CALLS = 8, ERRORS = 9, SESSIONS = 10, FIRST = 11, LAST = 12, RULES = 13;

  const rows = [];
  for (let b = 0; byId("rows-" + b); b++) {
    const { s, r } = data("rows-" + b);
    for (const row of r) {
      for (const c of [NAME, ROLE, ACCOUNT, PATTERN]) row[c] = s[row[c]];
      row[ORIGINS] = row[ORIGINS].map((i) => s[i]);
      rows.push(row);
    }
    byId("rows-" + b).remove(); // its text is not needed twice
  }

  // detail reads the rest of what is known of a name.
  function detail(n) {
    const { s, r } = data("more-" + Math.floor(n / meta.block));
    const [arn, form, origins, seen, hours, sessions] = r[n % meta.block];
    const sample = ([total, ...values]) => ({ total, values: values.map((v) => s[v]) });
    const readSeen = ([ips, agents, [total, ...services], regions]) => ({
      ips: sample(ips),
      agents: sample(agents),
      services: { total, values: services.map(([name, calls]) => [s[name], calls]) },
      regions: regions.map((v) => s[v]),
    });
    return {
      arn: s[arn],
      form: s[form],
      seen: seen && readSeen(seen),
      hours,
      sessions: sessions.map(([key, created, first, last, calls, errors, origin, confidence, event]) =>
        ({ key: s[key], created, first, last, calls, errors, origin: s[origin], confidence, event: s[event] })),
      origins: origins.map(([id, kind, name, acct, app, confidence, split, calls, errors, sessionCount, first, last, instances, chain, evidence, at]) => ({
        id: s[id], kind: s[kind], name: s[name], account: s[acct], app: s[app],
        confidence, split, calls, errors, sessions: sessionCount, first, last,
        instances: sample(instances),
        chain: chain.map(([principal, event, t]) => ({ principal: s[principal], event: s[event], time: t })),
        evidence: evidence.map(([type, event, text]) => ({ type: s[type], event: s[event], text: s[text] })),
        seen: readSeen(at),
      })),
    };
  }

  // ---- The table of names ---------------------------------------------------

  const table = byId("names-table");
  const filter = byId("names-filter");
  let shown = rows.map((_, i) => i); // places of the rows that fit the filter, sorted
  let sort = { by: "", down: true }; // "" is the page's own order
  let page = 0;
  let haystack = null; // what the search looks in, in small letters; made when first needed

  const KEYS = {
    name: (r) => r[NAME],
    role: (r) => r[ROLE],
    origin: (r) => r[ORIGINS][0] || "",
    confidence: (r) => r[CONFIDENCE],
    calls: (r) => r[CALLS],
    errors: (r) => r[ERRORS],
    sessions: (r) => r[SESSIONS],
    last: (r) => r[LAST],
    severity: (r) => r[SEVERITY],
  };
  const isText = (by) => by === "name" || by === "role" || by === "origin";

  function look() {
    haystack ||= rows.map((r) =>
      [r[NAME], r[ROLE], r[PATTERN], account(r[ACCOUNT]), ...r[ORIGINS],
        ...r[RULES].filter((_, i) => i % 2 === 0).map((i) => meta.rules[i])].join("\n").toLowerCase());
    return haystack;
  }

  function refilter() {
    const want = Object.fromEntries(new FormData(filter));
    // A role's whole ARN is searched for as its account and its name.
    const arn = /^arn:[^:]*:iam::(\d+):role\/(?:.*\/)?([^/]+)$/.exec(want.text.trim());
    const words = (arn ? arn[1] + " " + arn[2] : want.text).toLowerCase().split(/\s+/).filter(Boolean);
    const severity = meta.severities.indexOf(want.severity);
    const confidence = meta.confidences.indexOf(want.confidence);
    const rule = meta.rules.indexOf(want.rule);
    const text = words.length ? look() : null;
    shown = [];
    for (let i = 0; i < rows.length; i++) {
      const r = rows[i];
      if (severity >= 0 && r[SEVERITY] !== severity) continue;
      if (confidence >= 0 && r[CONFIDENCE] !== confidence) continue;
      if (rule >= 0 && !r[RULES].some((v, k) => k % 2 === 0 && v === rule)) continue;
      if (text && !words.every((w) => text[i].includes(w))) continue;
      shown.push(i);
    }
    resort();
  }

  function resort() {
    if (sort.by) {
      const key = KEYS[sort.by];
      const sign = sort.down ? -1 : 1;
      shown.sort((a, b) => {
        const x = key(rows[a]), y = key(rows[b]);
        return x < y ? -sign : x > y ? sign : a - b;
      });
    } else {
      shown.sort((a, b) => a - b);
    }
    page = 0;
    draw();
  }

  function draw() {
    const size = Number(filter.elements.size.value);
    const pages = Math.max(1, Math.ceil(shown.length / size));
    page = Math.min(Math.max(page, 0), pages - 1);
    const at = shown.slice(page * size, (page + 1) * size);
    table.tBodies[0].replaceChildren(...at.map(drawRow));
    for (const th of table.tHead.rows[0].cells) {
      if (th.dataset.sort === sort.by) th.setAttribute("aria-sort", sort.down ? "descending" : "ascending");
      else th.removeAttribute("aria-sort");
    }
    byId("names-none").hidden = shown.length > 0;
    byId("names-count").textContent = shown.length === rows.length
      ? plural(rows.length, "name") + (rows.length < meta.total ? " of " + count(meta.total) : "")
      : count(shown.length) + " of " + plural(rows.length, "name");
    byId("pager").hidden = pages === 1;
    byId("pager-at").textContent =
      `${count(page * size + 1)}–${count(page * size + at.length)} of ${count(shown.length)}`;
    for (const b of byId("pager").querySelectorAll("button")) {
      const back = b.dataset.page === "first" || b.dataset.page === "prev";
      b.disabled = back ? page === 0 : page === pages - 1;
    }
  }

  function drawRow(i) {
    const r = rows[i];
    const cell = (label, cls, ...children) => element("td", { "data-label": label, class: cls }, ...children);
    const more = r[ORIGIN_COUNT] - r[ORIGINS].length;
    const tags = [];
    for (let k = 0; k < r[RULES].length; k += 2) tags.push(ruleTag(r[RULES][k], r[RULES][k + 1]), " ");
    return element("tr", null,
      cell("Session name", "id", nameLink(i, r[NAME])),
      cell("Role", null, element("span", { class: "id" }, r[ROLE]), " ", element("span", { class: "note" }, accountNames.get(r[ACCOUNT]) || r[ACCOUNT])),
      cell("Origin", null, r[ORIGINS].map((o) => element("span", { class: "id line" }, o)),
        more > 0 && element("span", { class: "note" }, "and " + count(more) + " more")),
      cell("Confidence", null, meta.confidences[r[CONFIDENCE]]),
      cell("Calls", "num", count(r[CALLS])),
      cell("Errors", "num", count(r[ERRORS])),
      cell("Sessions", "num", count(r[SESSIONS])),
      cell("Last seen", "when", element("span", null, time(r[LAST]).split(" ").flatMap((part) => [element("span", null, part), " "]))),
      cell("Findings", null, tags));
  }

  // search sets the table's filter to the given values and goes there.
  function search(values) {
    filter.reset();
    for (const [k, v] of Object.entries(values)) filter.elements[k].value = v;
    refilter();
    left = -1;
    if (location.hash === "#names") show();
    else location.hash = "#names";
    filter.elements.text.focus({ preventScroll: true });
  }

  const searchFor = (text) => (e) => {
    e.preventDefault();
    search({ text });
  };

  function startTable() {
    if (!filter) return;
    filter.hidden = false;
    // A row is a card on a narrow screen, so that a page takes fewer.
    if (matchMedia("(max-width: 940px)").matches) filter.elements.size.value = "10";
    for (const th of table.tHead.rows[0].cells) {
      const button = element("button", { type: "button" }, th.textContent);
      button.addEventListener("click", () => {
        const by = th.dataset.sort;
        const start = !isText(by);
        if (sort.by !== by) sort = { by, down: start };
        else if (sort.down === start) sort = { by, down: !start };
        else sort = { by: "", down: true };
        resort();
      });
      th.replaceChildren(button);
    }
    let wait;
    filter.addEventListener("input", () => {
      clearTimeout(wait);
      wait = setTimeout(refilter, 120);
    });
    filter.addEventListener("reset", () => setTimeout(refilter));
    filter.addEventListener("submit", (e) => e.preventDefault());
    byId("pager").addEventListener("click", (e) => {
      const to = e.target.dataset.page;
      if (!to) return;
      page = { first: 0, prev: page - 1, next: page + 1, last: Infinity }[to];
      draw();
      byId("names").scrollIntoView();
    });
    draw();
  }

  // ---- Findings -------------------------------------------------------------

  const findings = [...document.querySelectorAll(".finding")];

  function refilterFindings() {
    const form = byId("findings-filter");
    const want = Object.fromEntries(new FormData(form));
    let fit = 0;
    for (const f of findings) {
      const d = f.dataset;
      const ok = (!want.severity || d.severity === want.severity) && (!want.rule || d.rule === want.rule) &&
        (!want.status || d.status === want.status) && (want.ignored || !d.state);
      f.hidden = !ok;
      if (ok) fit++;
    }
    byId("findings-none").hidden = fit > 0;
    byId("findings-count").textContent = fit === findings.length
      ? plural(fit, "finding") : count(fit) + " of " + plural(findings.length, "finding");
  }

  function startFindings() {
    const form = byId("findings-filter");
    if (form) {
      form.hidden = false;
      form.addEventListener("input", refilterFindings);
      form.addEventListener("submit", (e) => e.preventDefault());
      const unfold = byId("unfold");
      unfold.addEventListener("click", () => {
        const open = findings.some((f) => !f.open && !f.hidden);
        for (const f of findings) f.open = open;
        unfold.textContent = open ? "Fold all" : "Unfold all";
      });
    }
    for (const b of document.querySelectorAll("button[data-find]")) {
      b.parentElement.hidden = false;
      b.addEventListener("click", () => search({ text: b.dataset.find, rule: b.dataset.rule }));
    }
  }

  // ---- Links that only a script can follow ------------------------------------

  function startLinks() {
    for (const e of document.querySelectorAll("span[data-n]")) {
      e.replaceChildren(nameLink(Number(e.dataset.n), e.textContent));
    }
    for (const e of document.querySelectorAll("span[data-find]")) {
      const a = element("a", { href: "#names" }, e.textContent);
      a.addEventListener("click", searchFor(e.dataset.find));
      e.replaceChildren(a);
    }
    for (const g of document.querySelectorAll("g[data-n], g[data-find]")) {
      const a = document.createElementNS(SVG, "a");
      a.setAttribute("href", g.dataset.n ? "#name-" + (Number(g.dataset.n) + 1) : "#names");
      g.replaceWith(a);
      a.append(g);
      if (!g.dataset.n) a.addEventListener("click", searchFor(g.dataset.find));
    }
  }

  // Pointing at a box of the picture, or reaching it by keyboard, brings out its bands.
  function startTracing() {
    const svg = document.querySelector("svg.flow[role=group]");
    if (!svg) return;
    const bands = [...svg.querySelectorAll(".band")];
    const trace = (box) => {
      svg.classList.toggle("tracing", Boolean(box));
      for (const b of bands) b.classList.remove("traced");
      if (!box) return;
      const kind = ["origin", "role", "end"].find((k) => box.classList.contains(k));
      const key = box.dataset.key;
      // A band on the way to a role belongs to a name if the name has a band of the same origin from there.
      const ends = bands.filter((b) => b.dataset.end !== undefined && b.dataset[kind] === key);
      const ways = new Set(ends.map((b) => b.dataset.origin + " " + b.dataset.role));
      for (const b of bands) {
        const on = b.dataset.end === undefined ? ways.has(b.dataset.origin + " " + b.dataset.role) : ends.includes(b);
        b.classList.toggle("traced", on);
      }
    };
    for (const event of ["pointerover", "focusin"]) svg.addEventListener(event, (e) =>
      trace(e.target.closest(".box") || e.target.querySelector(".box:only-child")));
    for (const event of ["pointerleave", "focusout"]) svg.addEventListener(event, () => trace(null));
  }

  // ---- One name -----------------------------------------------------------------

  const report = byId("report");
  const view = byId("name");
  const title = document.title;
  let started = false;
  let left = -1; // how far the report was scrolled when a name was opened from it, or -1
  let opened = ""; // the fragment of the name that was opened last

  function stats(...pairs) {
    return element("dl", { class: "stats" }, pairs.filter((p) => p && p[1] !== "").map(([k, v]) =>
      element("div", null, element("dt", null, k), element("dd", null, v))));
  }

  function list(head, values, total, draw) {
    if (values.length === 0) return null;
    return element("div", null, element("h4", null, head + " ", element("span", { class: "note" }, count(total))),
      element("ul", { class: "values" }, values.map((v) => element("li", null, draw(v))),
        total > values.length && element("li", { class: "note" }, "and " + count(total - values.length) + " more")));
  }

  function seenLists(seen) {
    const id = (v) => element("span", { class: "id" }, v);
    return element("div", { class: "pair" },
      element("div", null,
        list("Services", seen.services.values, seen.services.total, ([name, calls]) => [id(name), element("span", { class: "n" }, plural(calls, "call"))]),
        list("Regions", seen.regions, seen.regions.length, id)),
      element("div", null,
        list("Addresses", seen.ips.values, seen.ips.total, id),
        list("Clients", seen.agents.values, seen.agents.total, id)));
  }

  function originCard(o, role, name) {
    const split = o.split.map((calls, i) => [meta.confidences[3 - i], calls]).filter(([, calls]) => calls > 0);
    return element("article", { class: "origin-card" },
      element("h3", null, element("span", { class: "id" }, o.id), o.app && element("span", { class: "tag" }, o.app)),
      stats(
        ["Confidence", split.length > 1
          ? meta.confidences[o.confidence] + " at the weakest (" + split.map(([c, n]) => c + " " + count(n)).join(", ") + ")"
          : meta.confidences[o.confidence]],
        ["Account", account(o.account)],
        ["Calls", count(o.calls)], ["Errors", count(o.errors)], ["Sessions", count(o.sessions)],
        ["First seen", time(o.first)], ["Last seen", time(o.last)]),
      element("div", { class: "pair" },
        element("div", null,
          element("h4", null, "Chain, from the root"),
          o.chain.length === 0
            ? element("p", { class: "note" }, "No assume event was found that leads here.")
            : element("ol", { class: "chain" }, o.chain.map((l) => element("li", null,
              element("span", { class: "id" }, l.principal),
              element("span", { class: "note" }, l.event ? ["assumed the next at " + second(l.time) + " UTC, event ", element("span", { class: "id" }, l.event)] : second(l.time)))),
            element("li", null, element("span", { class: "id" }, role + " / " + name))),
          list("Instances", o.instances.values, o.instances.total, (v) => element("span", { class: "id" }, v))),
        element("div", null,
          element("h4", null, "Evidence"),
          o.evidence.length === 0
            ? element("p", { class: "note" }, "None.")
            : element("ul", { class: "evidence" }, o.evidence.map((e) => element("li", null,
              element("span", { class: "type" }, e.type), " ", element("span", { class: "text" }, e.text),
              e.event && element("span", { class: "event id" }, e.event)))))),
      seenLists(o.seen));
  }

  // barLength gives the hours that one bar stands for, of so many in all: at
  // most 168 bars, and whole days if not hours.
  function barLength(hours) {
    const step = 1 + Math.floor(hours / 168);
    return step > 12 ? 24 * Math.ceil(step / 24) : step;
  }
  const barUnit = (step) => (step % 24 === 0 ? plural(step / 24, "day") : plural(step, "hour"));

  // chart draws calls by hour, or by as many hours as make it fit.
  function chart(hours) {
    const first = hours[0], last = hours[hours.length - 2];
    const step = barLength(last - first);
    const columns = Math.max(24, Math.floor((last - first) / step) + 1);
    const calls = new Array(columns).fill(0);
    for (let i = 0; i < hours.length; i += 2) calls[Math.floor((hours[i] - first) / step)] += hours[i + 1];
    const peak = Math.max(...calls);
    const d = calls.map((c, i) => {
      const h = c && Math.max((c / peak) * 64, 3);
      return c ? `M${i} 64v-${h.toFixed(1)}h.8v${h.toFixed(1)}z` : "";
    }).join("");
    const svg = document.createElementNS(SVG, "svg");
    for (const [k, v] of Object.entries({
      viewBox: `0 0 ${columns} 64`, preserveAspectRatio: "none", width: "100%", height: "64", role: "img",
      "aria-label": "Calls by time, at most " + count(peak) + " in " + barUnit(step),
    })) svg.setAttribute(k, v);
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", "bars");
    path.setAttribute("d", d);
    svg.append(path);
    return element("section", null,
      element("div", { class: "head" }, element("h2", null, "Calls over time"),
        element("p", { class: "note" }, "A bar is " + plural(step, "hour") + ", in UTC; the peak is " + plural(peak, "call") + ".")),
      svg,
      element("p", { class: "ticks" }, element("span", null, time(first * 3600)), element("span", null, time((first + columns * step) * 3600))));
  }

  function sessionTable(sessions, total) {
    const heads = [["Key id"], ["Created"], ["First call"], ["Last call"], ["Calls", "num"], ["Errors", "num"], ["Origin"], ["Confidence"], ["Issued by event"]];
    return element("section", null,
      element("div", { class: "head" }, element("h2", null, "Sessions"),
        element("p", { class: "note" }, total > sessions.length
          ? "The first " + sessions.length + " of " + count(total) + "; all are in the JSON report and in the CSV report of the view sessions"
          : count(total))),
      element("div", { class: "scroll", role: "region", "aria-label": "Sessions", tabindex: "0" },
        element("table", null,
          element("thead", null, element("tr", null, heads.map(([h, cls]) => element("th", { scope: "col", class: cls || null }, h)))),
          element("tbody", null, sessions.map((s) => element("tr", null,
            element("td", { class: "id" }, s.key || "–"),
            element("td", { class: "when" }, second(s.created)),
            element("td", { class: "when" }, second(s.first)),
            element("td", { class: "when" }, second(s.last)),
            element("td", { class: "num" }, count(s.calls)),
            element("td", { class: "num" }, count(s.errors)),
            element("td", { class: "id" }, s.origin),
            element("td", null, meta.confidences[s.confidence]),
            element("td", { class: "id" }, s.event || "–")))))));
  }

  function open(n) {
    const r = rows[n];
    const d = detail(n);
    const at = shown.indexOf(n);
    const about = meta.findings.map((f, i) => [f, i]).filter(([f]) => f.state !== "resolved" &&
      r[RULES].some((v, k) => k % 2 === 0 && v === f.rule) && f.roles.includes(d.arn) && (!f.name || f.name === r[NAME]));
    const known = new Set(about.map(([f]) => f.rule));
    const others = r[RULES].filter((v, k) => k % 2 === 0 && !known.has(v));
    view.replaceChildren();
    add(view, [
      element("nav", { class: "crumbs", "aria-label": "Session names" },
        element("a", { href: "#names" }, "← All session names"),
        element("span", { class: "push" },
          at > 0 && element("a", { href: "#name-" + (shown[at - 1] + 1) }, "‹ Previous"),
          at >= 0 && at + 1 < shown.length && element("a", { href: "#name-" + (shown[at + 1] + 1) }, "Next ›"))),
      element("h1", { id: "name-title" }, r[NAME]),
      element("p", { class: "arn" }, element("span", { class: "id" }, d.arn), " ", element("span", { class: "note" }, account(r[ACCOUNT]))),
      stats(["Calls", count(r[CALLS])], ["Errors", count(r[ERRORS])], ["Sessions", count(r[SESSIONS])],
        ["Origins", count(r[ORIGIN_COUNT])], ["Confidence", meta.confidences[r[CONFIDENCE]]],
        ["First seen", time(r[FIRST])], ["Last seen", time(r[LAST])],
        d.form && ["Form", d.form], r[PATTERN] !== r[NAME] && ["Pattern", r[PATTERN]]),
      element("section", null,
        element("h2", null, "Findings"),
        r[RULES].length === 0 && element("p", { class: "empty" }, "Nothing was found wrong with this name."),
        element("ul", { class: "whats" },
          about.map(([f, i]) => element("li", null, severityMark(f.severity),
            element("a", { href: "#finding-" + i }, f.title),
            element("span", { class: "tag" }, meta.rules[f.rule]),
            f.state && element("span", { class: "tag status" }, f.state))),
          others.map((rule) => element("li", null, element("span", { class: "tag" }, meta.rules[rule]),
            element("span", { class: "note" }, "its finding is in the JSON report"))))),
      d.hours.length > 0 && chart(d.hours),
      element("section", null,
        element("div", { class: "head" }, element("h2", null, d.origins.length > 1 ? "Origins" : "Origin"),
          r[ORIGIN_COUNT] > d.origins.length && element("p", { class: "note" }, "The busiest " + d.origins.length + " of " + count(r[ORIGIN_COUNT]) + "; all are in the JSON report")),
        d.origins.map((o) => originCard(o, r[ROLE], r[NAME]))),
      d.seen !== 0 && element("section", null, element("div", { class: "head" }, element("h2", null, "Under this name in all")), seenLists(d.seen)),
      d.sessions.length > 0 && sessionTable(d.sessions, r[SESSIONS]),
    ]);
    document.title = r[NAME] + " – " + title;
  }

  // show follows the fragment of the address: #name-N is a name, all else is a
  // place in the report.
  function show() {
    const match = /^#name-([1-9][0-9]{0,8})$/.exec(location.hash);
    const n = match ? Number(match[1]) - 1 : -1;
    if (n >= 0 && n < rows.length) {
      if (view.hidden) left = started ? scrollY : -1;
      open(n);
      opened = location.hash;
      report.hidden = true;
      view.hidden = false;
      scrollTo(0, 0);
      view.focus({ preventScroll: true });
      return;
    }
    const back = !view.hidden;
    view.hidden = true;
    report.hidden = false;
    document.title = title;
    const target = byId(location.hash.slice(1));
    if (target && target.matches("details")) target.open = true;
    if (back && left >= 0 && (!target || target === byId("names"))) {
      scrollTo(0, left);
      // The keyboard goes on where it left the report, if that is in the table.
      [...table.tBodies[0].querySelectorAll("a")].find((a) => a.hash === opened)?.focus({ preventScroll: true });
    }
    else if (target && report.contains(target)) target.scrollIntoView();
  }

  startTable();
  startFindings();
  startLinks();
  startTracing();
  addEventListener("hashchange", show);
  addEventListener("keydown", (e) => {
    if (e.key === "Escape" && !view.hidden) location.hash = "#names";
  });
  show();
  started = true;
})();
