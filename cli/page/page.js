"use strict";
// Tables are sorted by the column that is clicked. Without this script they stay in their order.
for (const table of document.querySelectorAll("table")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const number = head.dataset.sort === "number";
      const key = (row) => {
        const cell = row.cells[column];
        return number ? (cell.dataset.value === "" ? -1 : Number(cell.dataset.value)) : cell.textContent;
      };
      const order = (a, b) => (number ? key(a) - key(b) : key(a).localeCompare(key(b), undefined, { numeric: true }));
      const rows = [...table.tBodies[0].rows].sort((a, b) => (down ? order(b, a) : order(a, b)));
      table.tBodies[0].append(...rows);
    });
  });
}
