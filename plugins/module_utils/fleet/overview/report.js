(() => {
  "use strict";
  const all = (query, root = document) => [...root.querySelectorAll(query)];
  const order = new Intl.Collator("en", {numeric: true, sensitivity: "base"});
  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.v ?? cell.textContent.trim();
  };
  for (const table of all("table.sortable")) {
    const heads = all("thead th", table);
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const body = table.tBodies[0];
        const keyed = [...body.rows].map((row) => [value(row, column), row]);
        keyed.sort((one, other) => (up ? 1 : -1) * order.compare(one[0], other[0]));
        body.append(...keyed.map((pair) => pair[1]));
      });
    });
  }
  const form = document.getElementById("filter");
  if (form) {
    const items = all("[data-cluster]");
    const total = all("tbody [data-cluster]").length;
    const told = form.querySelector("output");
    const apply = () => {
      const text = form.elements.text.value.trim().toLowerCase();
      let count = 0;
      for (const item of items) {
        const fits = ["health", "mode", "set"].every((key) => {
          const wanted = form.elements[key].value;
          return wanted === "*" || wanted === item.dataset[key];
        });
        const shown = fits && item.dataset.cluster.toLowerCase().includes(text);
        item.hidden = !shown;
        count += shown && item.tagName === "TR" ? 1 : 0;
      }
      told.textContent = `${count} of ${total} shown`;
    };
    form.hidden = false;
    form.addEventListener("input", apply);
    form.addEventListener("reset", () => setTimeout(apply));
    form.addEventListener("submit", (event) => event.preventDefault());
    apply();
  }
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("details:not([open])");
    opened.forEach((item) => { item.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach((item) => { item.open = false; }));
})();
