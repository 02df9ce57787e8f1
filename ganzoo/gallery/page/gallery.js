// The page: the list of runs, the controls that both sides share, and what is remembered in the address.
import { askJson, pictureOf } from "./ask.js";
import { Side } from "./side.js";
import { Uploads } from "./uploads.js";

const $ = (id) => document.getElementById(id);
const SECONDS = 4; // from one seed to the other while it plays

class Gallery {
  constructor() {
    this.runs = [];
    this.sides = [new Side(this, "First picture"), new Side(this, "Second picture")];
    $("sides").append(this.sides[0].root);
    this.uploads = new Uploads(() => this.draw());
    this.listen();
  }

  get shown() { return $("compare").getAttribute("aria-pressed") === "true" ? this.sides : [this.sides[0]]; }

  listen() {
    $("reload").addEventListener("click", () => this.load());
    $("filter").addEventListener("input", () => this.filter());
    $("compare").addEventListener("click", () => this.compare(this.shown.length === 1));
    $("controls").addEventListener("submit", (event) => event.preventDefault());
    for (const id of ["seed", "other", "n", "class", "path", "side", "truncation"]) {
      $(id).addEventListener("input", () => this.draw());
    }
    $("t").addEventListener("input", () => { this.play(false); this.draw(); });
    $("play").addEventListener("click", () => this.play(!this.playing));
    for (const button of document.querySelectorAll(".new")) {
      button.addEventListener("click", () => {
        $(button.dataset.for).value = crypto.getRandomValues(new Uint32Array(1))[0] % 1000000;
        this.draw();
      });
    }
  }

  async load() {
    try {
      const found = await askJson("/api/runs");
      const [usable, others] = [found.runs.filter((run) => run.weights.length), found.runs.filter((run) => !run.weights.length)];
      this.runs = [...usable, ...others];
    } catch (error) {
      $("notice").textContent = error.message;
      return;
    }
    $("notice").textContent = this.runs.length ? "" :
      "No runs here yet. Train one (ganzoo train NAME), then press Reload.";
    $("count").textContent = this.runs.length || "";
    document.querySelector(".filter").hidden = this.runs.length < 7;
    $("runs").replaceChildren(...this.runs.map((run) => this.item(run)));
    this.filter();
    this.sides.forEach((side) => side.list(this.runs));
    const usable = this.sides[0].runs;
    $("work").hidden = !usable.length;
    if (this.runs.length && !usable.length) $("notice").textContent = "None of these runs has weights to draw from yet.";
    if (usable.length) await this.restore();
  }

  item(run) {
    const item = $("run-template").content.cloneNode(true).firstElementChild;
    const button = item.querySelector("button"), put = (part, text) => { item.querySelector(part).textContent = text; };
    put(".name", run.name);
    put(".meta", run.variant ? `${run.variant} on ${run.dataset}, step ${run.step.toLocaleString("en")}` : "");
    put(".status", run.status);
    put(".reason", run.reason);
    if (["running", "finished", "interrupted", "failed", "damaged"].includes(run.status)) {
      item.querySelector(".status").classList.add(run.status);
    }
    if (run.picture) {
      const picture = item.querySelector("img");
      picture.src = pictureOf(run);
      picture.alt = `newest samples of ${run.name}`;
      picture.hidden = false;
      picture.addEventListener("error", () => { picture.hidden = true; });
    }
    item.dataset.words = `${run.name} ${run.variant ?? ""} ${run.dataset ?? ""}`.toLowerCase();
    button.dataset.run = run.name;
    button.disabled = !run.weights.length;
    button.addEventListener("click", () => {
      this.sides[0].choose(run.name);
      if (matchMedia("(max-width: 860px)").matches) $("studio").scrollIntoView({ block: "start" });
    });
    return item;
  }

  filter() {
    const words = $("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const item of $("runs").children) item.hidden = !words.every((word) => item.dataset.words.includes(word));
  }

  // What is chosen stands in the address, so that a reload, or a bookmark, shows it again.
  remember() {
    const found = new URLSearchParams();
    this.shown.forEach((side, i) => {
      if (side.run) found.set("ab"[i], side.run.name);
      if (side.run && side.file !== side.run.weights[0]) found.set(`${"ab"[i]}-weights`, side.file);
    });
    history.replaceState(null, "", `#${found}`);
    for (const button of document.querySelectorAll(".run")) {
      button.setAttribute("aria-pressed", String(this.shown.some((side) => side.run?.name === button.dataset.run)));
    }
  }

  async restore() {
    const found = new URLSearchParams(location.hash.slice(1));
    if (found.has("b")) this.compare(true, found.get("b"), found.get("b-weights"));
    await this.sides[0].choose(found.get("a"), found.get("a-weights"));
  }

  compare(two, name, file) {
    $("compare").setAttribute("aria-pressed", String(two));
    $("work").classList.toggle("two", two);
    if (!two) {
      this.sides[1].root.remove();
      this.adapt();
      this.remember();
      return;
    }
    $("sides").append(this.sides[1].root);
    const first = this.sides[0], other = first.run?.weights.at(-1);
    this.sides[1].choose(name ?? first.run?.name, file ?? other);
  }

  // Shows the controls that make sense for the networks that are shown.
  adapt() {
    const cards = this.shown.map((side) => side.card).filter(Boolean);
    document.querySelector(".samples-only").hidden = !cards.some((card) => card.kind === "generator");
    document.querySelector(".translators-only").hidden = !cards.some((card) => card.kind === "translator");
    $("truncation").closest("label").hidden = !cards.some((card) => card.truncates);
    const sides = Math.max(1, ...cards.map((card) => card.sides));
    $("side-field").hidden = sides === 1;
    $("side").max = sides - 1;
    const classes = cards.map((card) => card.classes).sort((a, b) => b.length - a.length)[0] ?? [];
    const field = $("class"), before = field.value;
    const draws = cards.some((card) => card.kind === "generator" && card.classes.length);
    const options = draws ? [new Option("in turn", ""), new Option("all, a row each", "all")] : [];
    options.push(...classes.map((name, i) => new Option(name === String(i) ? name : `${i}: ${name}`, String(i))));
    field.replaceChildren(...options);
    if (options.some((option) => option.value === before)) field.value = before;
    $("class-field").hidden = !classes.length;
    if (classes.length) (draws ? document.querySelector(".fields") : document.querySelector(".translators-only")).append($("class-field"));
  }

  play(on) {
    this.playing = on;
    $("play").setAttribute("aria-pressed", String(on));
    $("play").textContent = on ? "Stop" : "Play";
    if (on) this.run(performance.now() - Number($("t").value) * SECONDS * 1000);
  }

  async run(begin) {
    while (this.playing) {
      const turns = (performance.now() - begin) / 1000 / SECONDS % 2;
      $("t").value = turns < 1 ? turns : 2 - turns;
      await Promise.all([this.draw(), new Promise((done) => { requestAnimationFrame(done); })]);
      if (this.sides.some((side) => !side.$(".error").hidden)) this.play(false);
    }
  }

  draw() {
    $("t-said").textContent = Number($("t").value).toFixed(2);
    $("side-said").textContent = Number($("side").value) + 1;
    $("truncation-said").textContent = this.truncation() ?? "off";
    return Promise.all(this.shown.map((side) => side.draw((each) => this.request(each))));
  }

  // At its end the slider is off.
  truncation() {
    const slider = $("truncation");
    return slider.value === slider.max ? null : Number(slider.value);
  }

  request(side) {
    const where = { run: side.run.name, file: side.file }, wanted = $("class").value;
    if (side.card?.kind === "translator") {
      return this.uploads.request(where, side.card.classes.length ? wanted : "");
    }
    if (side.card?.kind !== "generator") return null;
    const asked = {
      ...where, n: Number($("n").value), seed: Number($("seed").value), truncation: side.card.truncates ? this.truncation() : null,
      path: $("path").value, settings: side.values(),
    };
    if (side.card.sides > 1) asked.side = Math.min(Number($("side").value), side.card.sides - 1);
    const t = Number($("t").value);
    if (t > 0) Object.assign(asked, { other: Number($("other").value), t });
    if (side.card.classes.length && wanted !== "") asked.wanted = wanted === "all" ? wanted : Number(wanted);
    const way = t > 0 ? `seeds ${asked.seed} to ${asked.other} at ${t.toFixed(2)}` : `seed ${asked.seed}`;
    const drawn = asked.wanted === "all" ? "a row of each class" : `${asked.n} sample${asked.n > 1 ? "s" : ""}`;
    const kind = Number.isInteger(asked.wanted) ? ` of class ${side.card.classes[asked.wanted] ?? asked.wanted}` : "";
    return {
      path: "/api/sample", query: {}, body: JSON.stringify(asked), type: "application/json",
      what: `${drawn}${kind}, ${way}`, save: `${side.run.name.replaceAll("/", "-")}-seed${asked.seed}.png`,
    };
  }
}

function theme() {
  const choice = $("theme"), root = document.documentElement;
  const put = (value) => { root.dataset.theme = value; choice.value = value; };
  try { put(localStorage.getItem("ganzoo-theme") ?? "auto"); } catch { put("auto"); }
  choice.addEventListener("input", () => {
    put(choice.value);
    try { localStorage.setItem("ganzoo-theme", choice.value); } catch { /* a private window keeps nothing */ }
  });
}

theme();
new Gallery().load();
