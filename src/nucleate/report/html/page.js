"use strict";

// A click on a head sorts its column: numbers before words, empty cells last either way.
document.querySelectorAll("table.table").forEach((table) => {
  const body = table.tBodies[0];
  table.querySelectorAll("th button").forEach((button, column) => {
    button.addEventListener("click", () => {
      const head = button.parentElement;
      const up = head.getAttribute("aria-sort") !== "ascending";
      table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...body.rows].map((row) => [row.cells[column].dataset.v ?? row.cells[column].textContent, row]);
      rows.sort(([a], [b]) => {
        if (a === "" || b === "") return (a === "") - (b === "");
        const [x, y] = [Number(a), Number(b)];
        const numbers = (isNaN(x) - isNaN(y)) || (isNaN(x) ? a.localeCompare(b) : x - y);
        return up ? numbers : -numbers;
      });
      body.append(...rows.map(([, row]) => row));
    });
  });
});

// The pictures become viewers that turn; where WebGL is missing, they stay pictures.
(() => {
  const scenes = JSON.parse(document.getElementById("scenes").textContent);
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const show = (stage) => {
    const { xyz, edges } = scenes[Number(stage.dataset.scene)];
    const place = document.createElement("div");
    place.className = "viewer";
    stage.append(place);
    // the wheel belongs to the page
    place.addEventListener("wheel", (event) => event.stopImmediatePropagation(), { capture: true });
    try {
      const viewer = $3Dmol.createViewer(place, { backgroundColor: colour("--card"), antialias: true });
      if (!viewer) throw new Error("no WebGL");
      viewer.addModel(xyz, "xyz");
      viewer.setStyle({}, { sphere: { scale: 0.3, colorscheme: "Jmol" }, stick: { radius: 0.09, colorscheme: "Jmol" } });
      for (const [a, b, c, d, e, f] of edges) {
        const color = colour("--cell");
        viewer.addCylinder({ start: { x: a, y: b, z: c }, end: { x: d, y: e, z: f }, radius: 0.04, color });
      }
      viewer.rotate(-82, "x");
      viewer.rotate(28, "y");
      viewer.zoomTo();
      viewer.zoom(0.82);
      viewer.render();
      scheme.addEventListener("change", () => viewer.setBackgroundColor(colour("--card")));
      stage.classList.add("live");
    } catch {
      place.remove();
    }
  };
  const stages = document.querySelectorAll(".stage");
  if (typeof $3Dmol === "undefined" || !("IntersectionObserver" in window)) return;
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((one) => one.isIntersecting)) {
      watcher.unobserve(entry.target);
      show(entry.target);
    }
  });
  stages.forEach((stage) => watcher.observe(stage));
})();
