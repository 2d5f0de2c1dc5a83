"use strict";
/* Sorts and filters the table of sites, and prints one sheet. The page is complete without it. */
const table = document.querySelector(".overview");
const body = table.tBodies[0];
const heads = [...table.tHead.rows[0].cells];
const read = (row, column) => row.cells[column].textContent;
const sort = (column) => {
  const isDown = heads[column].getAttribute("aria-sort") === "ascending";
  const compare = (one, other) => parseFloat(one) - parseFloat(other) || one.localeCompare(other, "en");
  const rows = [...body.rows].sort((one, other) => compare(read(one, column), read(other, column)));
  heads.forEach((head) => head.removeAttribute("aria-sort"));
  heads[column].setAttribute("aria-sort", isDown ? "descending" : "ascending");
  body.append(...(isDown ? rows.reverse() : rows));
};
const make = (tag, text, properties) => Object.assign(document.createElement(tag), { textContent: text, ...properties });
if (body.rows.length > 1) {
  heads.forEach((head, column) => {
    const button = make("button", head.textContent, { type: "button", onclick: () => sort(column) });
    head.replaceChildren(button);
  });
  const input = make("input", "", { type: "search" });
  input.oninput = () => {
    const wanted = input.value.toLowerCase();
    [...body.rows].forEach((row) => { row.hidden = !row.textContent.toLowerCase().includes(wanted); });
  };
  const label = make("label", "Show sites with", { className: "filter" });
  label.append(input);
  table.before(label);
}
document.querySelectorAll(".sheet").forEach((sheet) => {
  const print = () => {
    const section = sheet.closest(".site");
    document.body.classList.add("one");
    section.classList.add("chosen");
    window.print();
    document.body.classList.remove("one");
    section.classList.remove("chosen");
  };
  sheet.firstElementChild.after(make("button", "Print this sheet", { type: "button", className: "print", onclick: print }));
});
