"use strict";
(() => {
  const list = document.querySelector(".cards");
  if (!list) return;
  const cards = [...list.children];
  const tools = document.querySelector(".tools");
  const [search, goal, segment, count] = ["search", "goal", "segment", "count"].map((id) => document.getElementById(id));
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const facts = new Map(cards.map((card) => [card, {
    text: plain(card.querySelector(".o").textContent),
    values: card.dataset.v.split(" ").map(Number),
  }]));
  tools.hidden = false;

  const show = () => {
    const words = plain(search.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const card of cards) {
      const { text, values } = facts.get(card);
      const hit = words.every((word) => text.includes(word))
        && (goal.value === "" || values[4] === Number(goal.value))
        && (!segment || segment.value === "" || values[5] === Number(segment.value));
      card.hidden = !hit;
      shown += hit;
    }
    count.textContent = `${shown} of ${cards.length} shown`;
  };
  search.addEventListener("input", show);
  goal.addEventListener("change", show);
  if (segment) segment.addEventListener("change", show);
  show();

  const names = new Intl.Collator("en", { numeric: true });
  const sort = (key, sign) => {
    const by = key === "name"
      ? (a, b) => names.compare(facts.get(a).text, facts.get(b).text)
      : (a, b) => facts.get(a).values[key] - facts.get(b).values[key];
    list.append(...[...cards].sort((a, b) => sign * by(a, b) || facts.get(a).values[0] - facts.get(b).values[0]));
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
    for (const card of cards) if (!card.hidden) card.querySelector("details").open = open;
  };
  document.getElementById("open").addEventListener("click", () => each(true));
  document.getElementById("close").addEventListener("click", () => {
    each(false);
    for (const part of list.querySelectorAll("details[open]")) part.open = false;
  });

  const visit = () => {
    const card = document.getElementById(location.hash.slice(1));
    if (!card || !facts.has(card)) return;
    card.hidden = false;
    card.querySelector("details").open = true;
    card.querySelector("summary").focus({ preventScroll: true });
    card.scrollIntoView();
  };
  addEventListener("hashchange", visit);
  visit();
})();
