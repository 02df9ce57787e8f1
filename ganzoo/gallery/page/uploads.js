// An image of the user's: chosen, dropped or pasted, and sent to translators.

const $ = (id) => document.getElementById(id);
const MOST = 20_000_000; // bytes; the server refuses more, and checks all else

export class Uploads {
  constructor(changed) {
    this.file = null;
    this.changed = changed;
    const drop = $("drop");
    $("image").addEventListener("change", (event) => this.take(event.target.files[0]));
    for (const kind of ["dragenter", "dragover"]) {
      drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
    }
    drop.addEventListener("dragleave", () => drop.classList.remove("over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      this.take(event.dataTransfer.files[0]);
    });
    document.addEventListener("paste", (event) => this.take(event.clipboardData?.files[0]));
  }

  take(file) {
    if (!file) return;
    if (file.size > MOST) {
      $("chosen").textContent = `${file.name} has ${file.size.toLocaleString("en")} bytes: at most ${MOST.toLocaleString("en")} are taken.`;
      return;
    }
    this.file = file;
    $("chosen").textContent = `${file.name}, ${file.size.toLocaleString("en")} bytes`;
    this.changed();
  }

  // What to ask a translator; null as long as there is no image.
  request(where, wanted) {
    const { file } = this;
    if (!file) return null;
    const name = file.name.replace(/\.[^.]*$/, "");
    return {
      path: "/api/translate", query: wanted === "" ? where : { ...where, class: wanted }, body: file,
      type: "application/octet-stream", given: file, what: `${file.name}, translated`, save: `${name}-translated.png`,
    };
  }
}
