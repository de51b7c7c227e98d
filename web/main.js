// Joins the page's parts: the views and their tabs.
import * as chat from "./chat.js";
import * as machine from "./machine.js";

const tabs = [...document.querySelectorAll("[role=tab]")];

function select(tab, takesFocus) {
  for (const other of tabs) {
    const isSelected = other === tab;
    other.ariaSelected = String(isSelected);
    other.tabIndex = isSelected ? 0 : -1;
    document.getElementById(other.getAttribute("aria-controls")).hidden = !isSelected;
  }
  if (takesFocus) tab.focus();
  machine.show(tab.id.replace("tab-", ""));
}

for (const [index, tab] of tabs.entries()) {
  tab.addEventListener("click", () => select(tab));
  tab.addEventListener("keydown", ({ key }) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (step) select(tabs[(index + step + tabs.length) % tabs.length], true);
  });
}

document.querySelector(".skip").addEventListener("click", () => select(tabs[0]));

chat.start();
machine.start();
