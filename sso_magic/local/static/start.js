// Leads on what stands behind the # of a start URL, which no server sees, and searches while typing.
"use strict";

const fragment = location.hash.match(/^#\/(device|console)(\?.*)?$/);
if (fragment) {
  location.replace("/" + fragment[1] + (fragment[2] || ""));
}

const field = document.getElementById("q");
let asked = 0;
let timer = 0;

async function search() {
  const mine = ++asked;
  const address = "/start" + (field.value ? "?q=" + encodeURIComponent(field.value) : "");
  const answer = await fetch(address);
  if (!answer.ok || mine !== asked) {
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.getElementById("accounts").replaceWith(page.getElementById("accounts"));
  history.replaceState(null, "", address);
}

field.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(() => search().catch(() => field.form.submit()), 120);
});
