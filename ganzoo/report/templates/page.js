"use strict";
document.documentElement.classList.add("js");
const films = Array.from(document.querySelectorAll(".film"));
function show(film, at) {
  film.querySelectorAll("figure").forEach((frame, i) => frame.classList.toggle("on", i === at));
}
films.forEach((film) => {
  const slider = film.querySelector("input"), play = film.querySelector("button");
  const count = film.querySelectorAll("figure").length;
  if (!slider || !count) return;
  let timer = 0;
  const go = (at) => {
    slider.value = at;
    show(film, at);
    if (!film.dataset.together) return;
    films.filter((other) => other !== film && other.dataset.together).forEach((other) => {
      const its = other.querySelector("input");
      its.value = Math.round(at / Math.max(1, count - 1) * its.max);
      show(other, Number(its.value));
    });
  };
  const stop = () => { clearInterval(timer); timer = 0; play.textContent = "Play"; };
  slider.addEventListener("input", () => { stop(); go(Number(slider.value)); });
  play.addEventListener("click", () => {
    if (timer) { stop(); return; }
    if (Number(slider.value) >= count - 1) go(0);
    play.textContent = "Pause";
    timer = setInterval(() => {
      const next = Number(slider.value) + 1;
      if (next >= count) stop(); else go(next);
    }, 220);
  });
  show(film, Number(slider.value));
});
document.querySelectorAll(".pair").forEach((pair) => {
  const move = (event) => {
    const pane = event.target.closest(".pane");
    if (!pane) return;
    const box = pane.getBoundingClientRect();
    pair.style.setProperty("--x", (event.clientX - box.left) / box.width * 100 + "%");
    pair.style.setProperty("--y", (event.clientY - box.top) / box.height * 100 + "%");
    pair.classList.add("near");
  };
  pair.addEventListener("pointermove", move);
  pair.addEventListener("pointerdown", move);
  pair.addEventListener("pointerleave", () => pair.classList.remove("near"));
});
