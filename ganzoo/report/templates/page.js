"use strict";
document.documentElement.classList.add("js");
const films = Array.from(document.querySelectorAll(".film"));
function show(film, at) {
  film.querySelectorAll("figure").forEach((frame, i) => {
    frame.classList.toggle("on", i === at);
    if (i === at) film.querySelector("input").setAttribute("aria-valuetext", frame.textContent.trim());
  });
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
  const place = { x: 50, y: 50 };
  const near = (x, y) => {
    place.x = Math.min(100, Math.max(0, x));
    place.y = Math.min(100, Math.max(0, y));
    pair.style.setProperty("--x", place.x + "%");
    pair.style.setProperty("--y", place.y + "%");
    pair.classList.add("near");
  };
  const far = () => pair.classList.remove("near");
  const point = (event) => {
    const pane = event.target.closest(".pane");
    if (!pane) return;
    const box = pane.getBoundingClientRect();
    near((event.clientX - box.left) / box.width * 100, (event.clientY - box.top) / box.height * 100);
  };
  const arrows = { ArrowLeft: [-10, 0], ArrowRight: [10, 0], ArrowUp: [0, -10], ArrowDown: [0, 10] };
  pair.addEventListener("pointermove", point);
  pair.addEventListener("pointerdown", point);
  pair.addEventListener("pointerleave", far);
  pair.addEventListener("blur", far);
  pair.addEventListener("keydown", (event) => {
    if (event.key === "Escape") far();
    const by = arrows[event.key];
    if (!by) return;
    event.preventDefault();
    near(place.x + by[0], place.y + by[1]);
  });
});
