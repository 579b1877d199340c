
"use strict";
// Without this script nothing is missing but the filter, the buttons and, in a page of very many findings, most of those.
const data = JSON.parse(document.getElementById("data").textContent);
const form = document.getElementById("filter");
const matching = document.getElementById("matching");
const names = ["severity", "cluster", "topic", "status", "framework", "text"];
const inView = 50;  // findings that are drawn and forgotten together

// --- findings that stand compressed

const unpacked = new Map();
const inflate = (text) => {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).json();
};
const block = (number) => {
  if (!unpacked.has(number)) unpacked.set(number, inflate(data.blocks[number]));
  return unpacked.get(number);
};
const markup = async (position) => (await block(Math.floor(position / data.block)))[position % data.block];
const entities = { amp: "&", lt: "<", gt: ">", "#34": '"', "#39": "'" };
const spoken = (html) => html.replace(/<[^>]*>/g, " ").replace(/&(amp|lt|gt|#34|#39);/g, (_, name) => entities[name]);

class Finding {
  constructor(list, facets, node, position) {
    const [rule, cluster, severity, change] = facets.split(" ");
    Object.assign(this, { list, rule, cluster: data.clusters[cluster], severity, change, node, position });
  }
  async text() {
    this.words ??= (this.node ? this.node.textContent : spoken(await markup(this.position))).toLowerCase();
    return this.words;
  }
  async matches(wanted) {
    const [topic, title, controls] = data.rules[this.rule];
    const status = [this.list.waived ? "waived" : "open", this.change];
    return (!wanted.severity.length || wanted.severity.includes(this.severity))
      && (!wanted.cluster || wanted.cluster === this.cluster)
      && (!wanted.topic || wanted.topic === topic)
      && (!wanted.status || status.includes(wanted.status))
      && (!wanted.framework || controls.includes(wanted.framework))
      && (!wanted.text || title.includes(wanted.text) || (await this.text()).includes(wanted.text));
  }
}

class List {
  constructor(element, facets) {
    this.element = element;
    this.waived = "waived" in element.dataset;
    this.rest = element.querySelector(":scope > .rest");
    const nodes = [...element.querySelectorAll(".finding")];
    this.findings = nodes.map((node) => new Finding(this, node.dataset.facets, node));
    const [start, stop] = (element.dataset.packed ?? "0 0").split(" ").map(Number);
    for (let at = start; at < stop; at++) this.findings.push(new Finding(this, facets[at], null, at));
    if (stop) this.rest.addEventListener("toggle", () => this.rest.open && this.layOut());
    this.packed = this.findings.filter((finding) => !finding.node);
  }
  show(found, filtered) {
    const wanted = new Set(found);
    for (const finding of this.findings) if (finding.node) finding.node.hidden = !wanted.has(finding);
    this.element.closest(".rule, .waiver").hidden = filtered && !found.length;
    if (!this.rest) return;
    this.packed = found.filter((finding) => !finding.node);
    const rest = found.filter((finding) => !finding.node || this.rest.contains(finding.node)).length;
    this.rest.hidden = !rest;
    this.rest.querySelector("summary").textContent = `${rest.toLocaleString("en")} more`;
    if (filtered !== this.filtered) this.rest.open = filtered;
    this.filtered = filtered;
    this.chunks?.replaceChildren();
    if (this.rest.open && this.element.dataset.packed) this.layOut();
  }
  // Room for all, of which only what is in view is drawn.
  layOut() {
    if (!this.chunks) {
      this.chunks = document.createElement("div");
      this.rest.querySelector(".note").classList.add("paper");
      this.rest.append(this.chunks);
    }
    if (this.chunks.hasChildNodes()) return;
    for (let at = 0; at < this.packed.length; at += inView) {
      const chunk = document.createElement("div");
      chunk.findings = this.packed.slice(at, at + inView);
      chunk.style.minHeight = `${chunk.findings.length * 3.6}rem`;
      this.chunks.append(chunk);
      watcher.observe(chunk);
    }
  }
  async reveal(finding) {
    this.rest.open = true;
    this.layOut();
    await draw([...this.chunks.children].find((chunk) => chunk.findings.includes(finding)));
  }
}

const draw = async (chunk) => {
  if (chunk.hasChildNodes()) return;
  const html = await Promise.all(chunk.findings.map((finding) => markup(finding.position)));
  if (!chunk.hasChildNodes()) chunk.innerHTML = html.join("");
};
const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting, boundingClientRect } of entries) {
    if (isIntersecting) draw(target);
    else if (target.hasChildNodes() && !target.querySelector(":focus, [open]")) {
      target.style.minHeight = `${boundingClientRect.height}px`;
      target.replaceChildren();
    }
  }
}, { rootMargin: "1500px" });

// --- the filter, which lives in the fragment of the address behind a question mark

const fragment = () => {
  const [anchor, query = ""] = location.hash.slice(1).split("?");
  return [decodeURIComponent(anchor), new URLSearchParams(query)];
};
const chosen = () => new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
const remember = (anchor) => {
  const query = chosen().toString();
  history.replaceState(null, "", `#${anchor}${query && "?"}${query}`);
};
const choose = (query) => {
  for (const field of form.elements) {
    if (field.type === "checkbox") field.checked = query.getAll(field.name).includes(field.value);
    else if (names.includes(field.name)) field.value = query.get(field.name) ?? "";
  }
};

let lists = [];
let turn = 0;
const filter = async () => {
  const mine = ++turn;
  const query = chosen();
  const wanted = Object.fromEntries(names.map((name) => [name, query.get(name)?.toLowerCase() ?? ""]));
  for (const name of names) if (name !== "text") wanted[name] = query.get(name) ?? "";
  wanted.severity = query.getAll("severity");
  const filtered = query.size > 0;
  if (wanted.text && data.blocks.length) matching.textContent = "Searching …";
  if (wanted.text) await Promise.all(data.blocks.map((_, number) => block(number)));
  const found = new Map();
  for (const list of lists) {
    found.set(list, []);
    for (const finding of list.findings) if (!filtered || await finding.matches(wanted)) found.get(list).push(finding);
    if (mine !== turn) return;
  }
  let open = 0, waived = 0, all = 0;
  for (const [list, findings] of found) {
    list.show(findings, filtered);
    all += list.findings.length;
    if (list.waived) waived += findings.length; else open += findings.length;
  }
  const said = [[open, "open"], [waived, "waived"]].filter(([number]) => number).map((pair) => pair.join(" "));
  matching.textContent = filtered ? `${open + waived} of ${all} findings match${said.length ? `: ${said.join(", ")}` : ""}.` : "";
};

// --- links

// A link to a finding opens what the finding stands in, and ends a filter that hides it.
const stored = async (id) => {
  for (const [number] of data.blocks.entries()) {
    const at = (await block(number)).findIndex((html) => html.includes(`id="${id}"`));
    if (at >= 0) return lists.flatMap((list) => list.findings).find((it) => it.position === number * data.block + at);
  }
};
const reveal = async (anchor) => {
  let target = document.getElementById(anchor);
  const packed = !target && anchor.startsWith("finding-") && await stored(anchor);
  if (packed || target?.closest("[hidden]")) {
    choose(new URLSearchParams());
    await filter();
    remember(anchor);
  }
  if (packed) await packed.list.reveal(packed);
  target = document.getElementById(anchor);
  for (let node = target; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
  document.querySelector(".aimed")?.classList.remove("aimed");
  target?.classList.add("aimed");
  target?.scrollIntoView();
};
const follow = async () => {
  const [anchor, query] = fragment();
  if (query.size) choose(query);
  else if (anchor && chosen().size) remember(anchor);
  await filter();
  if (anchor) await reveal(anchor);
};

// --- buttons that copy commands

const offer = (commands) => {
  if (!navigator.clipboard || commands.querySelector("button")) return;
  const text = commands.textContent;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  commands.prepend(button);
};
document.querySelectorAll(".fix pre, details[open] pre").forEach(offer);
document.addEventListener("toggle", (event) => event.target.querySelectorAll(":scope > pre").forEach(offer), true);

// --- all together

const start = async () => {
  const facets = data.facets ? await inflate(data.facets) : [];
  lists = [...document.querySelectorAll(".list")].map((element) => new List(element, facets));
  for (const cell of document.querySelectorAll("td[data-filter]")) {
    const link = document.createElement("a");
    link.href = `#findings?${cell.dataset.filter}`;
    link.append(...cell.childNodes);
    cell.append(link);
  }
  if (form && lists.length) {
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => { remember("findings"); filter(); });
    form.addEventListener("reset", () => setTimeout(() => { remember("findings"); filter(); }));
  }
  addEventListener("hashchange", follow);
  await follow();
  performance.mark("akscan-ready");
};
start();
