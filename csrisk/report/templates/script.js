"use strict";
(() => {
  const lists = [...document.querySelectorAll(".cards")];
  if (!lists.length) return;
  const cards = lists.flatMap((list) => [...list.children]);
  const most = lists[0].children.length;
  const rest = document.querySelector(".rest");
  const tools = document.querySelector(".tools");
  const [search, count] = ["search", "count"].map((id) => document.getElementById(id));
  const filters = ["goal", "segment", "plan", "owner", "renewal"].map((id, at) => [document.getElementById(id), at + 4])
    .filter(([box]) => box);
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const facts = new Map(cards.map((card) => [card, {
    text: plain(card.querySelector(".o").textContent),
    values: card.dataset.v.split(" ").map(Number),
  }]));
  let order = cards;
  tools.hidden = false;
  tools.querySelector(".filters").open = matchMedia("(min-width: 60rem)").matches;

  // those shown first stand in the list that is open, the others in the one that is folded
  const place = () => {
    const shown = order.filter((card) => !card.hidden);
    lists[0].replaceChildren(...shown.slice(0, most));
    if (!rest) return;
    lists[1].replaceChildren(...shown.slice(most), ...order.filter((card) => card.hidden));
    rest.hidden = shown.length <= most;
    rest.querySelector("summary").textContent = `The other ${(shown.length - most).toLocaleString("en")} accounts`;
  };
  const show = () => {
    const words = plain(search.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const card of cards) {
      const { text, values } = facts.get(card);
      const hit = words.every((word) => text.includes(word))
        && filters.every(([box, at]) => box.value === "" || values[at] === Number(box.value));
      card.hidden = !hit;
      shown += hit;
    }
    place();
    count.textContent = `${shown} of ${cards.length} shown`;
  };
  search.addEventListener("input", show);
  for (const [box] of filters) box.addEventListener("change", show);
  show();

  const names = new Intl.Collator("en", { numeric: true });
  const sort = (key, sign) => {
    const by = key === "name"
      ? (a, b) => names.compare(facts.get(a).text, facts.get(b).text)
      : (a, b) => facts.get(a).values[key] - facts.get(b).values[key];
    order = [...cards].sort((a, b) => sign * by(a, b) || facts.get(a).values[0] - facts.get(b).values[0]);
    place();
  };
  const heads = [...document.querySelectorAll(".head [data-k]")].map((cell) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = cell.textContent;
    button.dataset.k = cell.dataset.k;
    cell.replaceChildren(button);
    return button;
  });
  const press = (button) => {
    const key = button.dataset.k;
    const first = key === "0" || key === "name" ? 1 : -1;
    const sign = button.getAttribute("aria-pressed") === "true" ? -Number(button.dataset.sign) : first;
    for (const other of heads) {
      other.setAttribute("aria-pressed", String(other === button));
      other.textContent = other.textContent.replace(/ [\u2191\u2193]$/, "");
    }
    button.dataset.sign = String(sign);
    button.textContent += sign > 0 ? " \u2191" : " \u2193";
    sort(key === "name" ? key : Number(key), sign);
  };
  for (const button of heads) button.addEventListener("click", () => press(button));
  if (heads.length) heads[0].setAttribute("aria-pressed", "true"), heads[0].dataset.sign = "1";

  const each = (open) => {
    if (open && rest) rest.open = true;
    for (const card of cards) if (!card.hidden) card.querySelector("details").open = open;
  };
  document.getElementById("open").addEventListener("click", () => each(true));
  document.getElementById("close").addEventListener("click", () => {
    each(false);
    for (const part of lists.flatMap((list) => [...list.querySelectorAll("details[open]")])) part.open = false;
  });

  // rows of a table, such that a spreadsheet runs none of them: the rule of csrisk._cells
  const harmless = (text) => {
    const line = text.replace(/\s+/gu, " ").trim();
    // behind a semicolon a spreadsheet of another country begins a new cell
    const begun = (part) => /^[=+\-@|%\uff1d\uff0b\uff0d\uff20\u2212\ufe62\ufe63\ufe66\ufe6b\u207a\u207b\u208a\u208b]/u.test(part.replace(/^[\s\p{Cc}\p{Cf}\p{Z}'"`\u2018\u2019\u201c\u201d\u00ab\u00bb\uff02\uff07]+/u, "")) ? `'${part}` : part;
    const cell = line.split(";").map(begun).join(";");
    return /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
  };
  const chosen = (id, value) => {
    const box = document.getElementById(id);
    return box && value ? box.options[id === "goal" ? [...box.options].findIndex((o) => o.value === String(value)) : value].text : "";
  };
  document.getElementById("csv").addEventListener("click", () => {
    // an attribute without a choice has no values in the page, and a column of blanks would say that nobody has one
    const kinds = ["segment", "plan", "owner", "renewal"].map((id, at) => [id, at + 5]).filter(([id]) => document.getElementById(id));
    const rows = [["priority", "account_id", "name", "churn_probability", "mrr", "mrr_at_risk", ...kinds.map(([id]) => id), "reason"]];
    for (const card of order) {
      if (card.hidden) continue;
      const { values } = facts.get(card);
      const name = card.querySelector(".o bdi").textContent;
      const free = !card.querySelector(".m");
      const figures = [values[1], ...(free ? ["", ""] : [values[2], values[3]])].map(String);
      rows.push([String(values[0]), card.querySelector(".o u")?.textContent ?? name, name, ...figures, ...kinds.map(([id, at]) => chosen(id, values[at])), card.querySelector(".e").textContent]);
    }
    const text = rows.map((row) => row.map(harmless).join(",")).join("\r\n");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeff", text, "\r\n"], { type: "text/csv" }));
    link.download = "accounts.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });

  const visit = () => {
    const card = document.getElementById(location.hash.slice(1));
    if (!card || !facts.has(card)) return;
    card.hidden = false;
    if (rest && rest.contains(card)) rest.hidden = false, rest.open = true;
    card.querySelector("details").open = true;
    card.querySelector("summary").focus({ preventScroll: true });
    card.scrollIntoView();
  };
  addEventListener("hashchange", visit);
  visit();
})();
