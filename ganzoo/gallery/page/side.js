// One of the two places for pictures: a run, its weights, its settings, and what it answers.
import { askJson, askPicture } from "./ask.js";
import { showKnobs } from "./knobs.js";

const NETWORKS = { generator: "draws samples", translator: "turns images into images" };

export function weightsName(file) {
  const step = /^checkpoints\/step-0*(\d+)\.safetensors$/.exec(file);
  return step ? `checkpoint at step ${Number(step[1]).toLocaleString("en")}` : file.replace(/\.safetensors$/, "");
}

export class Side {
  constructor(gallery, title) {
    this.gallery = gallery;
    this.root = document.getElementById("side-template").content.cloneNode(true).firstElementChild;
    this.root.setAttribute("aria-label", title);
    this.$ = (selector) => this.root.querySelector(selector);
    this.card = null;
    this.values = () => ({});
    this.busy = false;
    this.waiting = null;
    this.chosen = 0;
    this.$(".run-choice").addEventListener("change", (event) => this.choose(event.target.value));
    this.$(".weights-choice").addEventListener("change", (event) => this.choose(this.run.name, event.target.value));
    this.$(".listen button").addEventListener("click", () => this.listen());
    const picture = this.$(".answer img");
    picture.addEventListener("load", () => picture.classList.toggle("fine", picture.naturalWidth > 700));
    this.$(".given img").addEventListener("error", () => { this.$(".given").hidden = true; });
  }

  // The runs that can be chosen; the chosen one stays if it is still there.
  list(runs) {
    this.runs = runs.filter((run) => run.weights.length);
    this.$(".run-choice").replaceChildren(...this.runs.map((run) => new Option(run.name, run.name)));
    if (this.run) this.$(".run-choice").value = this.run.name;
  }

  async choose(name, file) {
    const run = this.runs.find((each) => each.name === name) ?? this.runs[0];
    if (!run) return;
    const turn = ++this.chosen;
    this.run = run;
    this.file = run.weights.includes(file) ? file : run.weights[0];
    this.card = null;
    this.$(".run-choice").value = run.name;
    this.$(".weights-choice").replaceChildren(...run.weights.map((each) => new Option(weightsName(each), each)));
    this.$(".weights-choice").value = this.file;
    this.gallery.remember();
    let card;
    try {
      card = await askJson("/api/weights", { run: run.name, file: this.file });
    } catch (error) {
      if (turn === this.chosen) this.fail(error);
      if (turn === this.chosen) this.gallery.adapt();
      return;
    }
    if (turn !== this.chosen) return;
    this.card = card;
    this.about();
    this.values = showKnobs(this.$(".knobs"), card.knobs, () => this.gallery.draw());
    this.clear();
    this.gallery.adapt();
    this.gallery.draw();
  }

  about() {
    const { card } = this, said = [`${this.run.variant} on ${this.run.dataset}`];
    if (card.step !== null) said.push(`step ${Number(card.step).toLocaleString("en")}`);
    if (card.weights) said.push(card.weights === "EMA" ? "averaged weights" : "raw weights");
    if (card.best) said.push(`best ${card.best.metric}`);
    if (card.classes.length) said.push(`${card.classes.length} classes`);
    if (card.scale && card.scale !== "1") said.push(`${card.scale} times as large`);
    said.push(`${card.network} ${NETWORKS[card.kind] ?? "neither draws samples nor turns images into images"}`);
    this.$(".about").textContent = said.join(" · ");
  }

  clear() {
    this.fail(null);
    this.$(".listen").hidden = true;
    this.$(".answer img").hidden = true;
    this.$(".download").hidden = true;
    this.$(".given").hidden = true;
    this.$(".answer figcaption").textContent = this.card?.kind === "translator" ? "Drop an image to see what becomes of it." : "";
  }

  fail(error) {
    this.$(".error").hidden = !error;
    this.$(".error").textContent = error ? error.message : "";
  }

  // Only the newest request waits: while a slider moves, what lies between is left out.
  async draw(make) {
    if (!this.card) return;
    if (this.busy) {
      this.waiting = make;
      return;
    }
    this.busy = true;
    try {
      for (let next = make; next; next = this.waiting) {
        this.waiting = null;
        const asked = next(this);
        if (asked) await this.show(asked, this.chosen);
      }
    } finally {
      this.busy = false;
    }
  }

  async show(asked, turn) {
    this.$(".answer").setAttribute("aria-busy", "true");
    try {
      const { blob, seconds } = await askPicture(asked.path, asked.query, asked.body, asked.type);
      if (turn !== this.chosen) return;
      const picture = this.$(".answer img"), address = URL.createObjectURL(blob);
      if (picture.src) URL.revokeObjectURL(picture.src);
      picture.src = address;
      picture.alt = `${asked.what} by ${this.run.name}, ${weightsName(this.file)}`;
      await picture.decode();
      picture.hidden = false;
      this.fail(null);
      const size = `${picture.naturalWidth} × ${picture.naturalHeight} pixels`;
      this.$(".answer figcaption").textContent = `${asked.what} · ${size} · ${seconds.toFixed(2)} s`;
      Object.assign(this.$(".download"), { href: address, download: asked.save, hidden: false });
      if (asked.given) this.showGiven(asked.given);
      this.asked = asked;
      this.$(".listen").hidden = !this.card?.sounds;
      this.$(".listen audio").hidden = true;
    } catch (error) {
      if (turn === this.chosen) this.fail(error);
    } finally {
      this.$(".answer").setAttribute("aria-busy", "false");
    }
  }

  // What the picture shows, as it sounds: it is asked for only when someone wants to hear it.
  async listen() {
    const audio = this.$(".listen audio"), { asked } = this;
    try {
      const { blob } = await askPicture("/api/sound", {}, asked.body, asked.type);
      if (asked !== this.asked) return;
      if (audio.src) URL.revokeObjectURL(audio.src);
      audio.src = URL.createObjectURL(blob);
      audio.hidden = false;
      await audio.play();
    } catch (error) {
      this.fail(error);
    }
  }

  showGiven(file) {
    const picture = this.$(".given img");
    if (picture.src) URL.revokeObjectURL(picture.src);
    picture.src = URL.createObjectURL(file);
    picture.onload = () => {
      picture.classList.toggle("fine", picture.naturalWidth > 700);
      this.$(".given figcaption").textContent = `given · ${picture.naturalWidth} × ${picture.naturalHeight} pixels`;
    };
    this.$(".given").hidden = false;
  }
}
