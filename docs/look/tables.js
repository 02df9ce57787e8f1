// Tables can be sorted: by a click on the name of a column, or by Enter or space on it.
(() => {
  // The number that a cell begins with: "12.4 ± 0.3", "1,234", "98.9 %". NaN for "3dgan", "2026-11-30" and texts.
  const number = (text) => {
    const found = text.replace(/(\d),(?=\d{3})/g, "$1").match(/^[^\p{L}\d.-]*(-?\d*\.?\d+(?:e[+-]?\d+)?)(?![\p{L}\d-])/u);
    return found ? Number(found[1]) : NaN;
  };

  // Down or up, cells without a value come last, and rows that are alike keep their order. In a column of numbers, a
  // text such as "– (not done)" is no value.
  function sort(body, column, down) {
    const rows = Array.from(body.rows, (row) => {
      const text = (row.cells[column]?.textContent ?? "").trim();
      return { row, text, value: number(text) };
    });
    const given = rows.filter((each) => /[\p{L}\d]/u.test(each.text));
    const counts = given.filter((each) => !Number.isNaN(each.value)).length > given.length / 2;
    const ordered = given.filter((each) => !counts || !Number.isNaN(each.value));
    ordered.sort((a, b) => {
      const order = counts ? a.value - b.value : a.text.localeCompare(b.text, "en", { numeric: true });
      return down ? -order : order;
    });
    body.append(...ordered.map((each) => each.row), ...rows.filter((each) => !ordered.includes(each)).map((r) => r.row));
  }

  function sortable(table) {
    const headers = Array.from(table.tHead?.rows[0]?.cells ?? []).filter((header) => header.textContent.trim());
    if (!table.tBodies[0] || table.tBodies[0].rows.length < 2) return;
    for (const header of headers) {
      const button = document.createElement("button");
      button.className = "sort";
      button.append(...header.childNodes);
      header.append(button);
      header.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const down = header.getAttribute("aria-sort") === "ascending";
        headers.forEach((each) => each.setAttribute("aria-sort", "none"));
        header.setAttribute("aria-sort", down ? "descending" : "ascending");
        sort(table.tBodies[0], header.cellIndex, down);
      });
    }
  }

  document.querySelectorAll("article table:not([class])").forEach(sortable);
})();
