
"use strict";
// Without this script nothing is missing but the buttons, which appear where commands are shown.
const offer = (commands) => {
  if (!navigator.clipboard || commands.querySelector("button")) return;
  const text = commands.textContent;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  });
  commands.prepend(button);
};
document.querySelectorAll(".fix pre, details[open] pre").forEach(offer);
document.addEventListener("toggle", (event) => event.target.querySelectorAll(":scope > pre").forEach(offer), true);

// A link to a finding opens what the finding stands in.
const reveal = () => {
  const target = document.getElementById(location.hash.slice(1));
  for (let node = target; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
  if (target) target.scrollIntoView();
};
addEventListener("hashchange", reveal);
reveal();
