// Makes pages pleasant that work without it: forms answer in place, the search finds while one
// types, and the number of visitors moves.

const status = document.getElementById("status");
const visitors = document.getElementById("visitors");

let told;
const tell = (text) => {
  status.textContent = text;
  clearTimeout(told);
  told = setTimeout(() => (status.textContent = ""), 8000);
};

const load = async (address, options) => {
  const answer = await fetch(address, options);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return { address: answer.url, page, fine: answer.ok, conflict: answer.status === 409 };
};

const show = (selector, page) => {
  const next = page.querySelector(selector);
  if (next) document.querySelector(selector).replaceWith(next);
};

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-enhance]")) return;
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const body = new URLSearchParams(new FormData(form));
    const { address, page, fine, conflict } = await load(form.action, { method: "POST", body });
    if (conflict) {
      show("main", page);
      document.getElementById("body").focus();
      return;
    }
    if (!fine) {
      tell(page.querySelector("h1 + p")?.textContent ?? "That did not work.");
      return;
    }
    history.pushState({ page: true }, "", address);
    document.title = page.title;
    show("main", page);
    tell(form.dataset.enhance + ".");
    (document.getElementById("body") ?? document.getElementById("content")).focus();
  } catch {
    tell("There is no connection; nothing was changed.");
  } finally {
    button.disabled = false;
  }
});

let waiting;
document.addEventListener("input", (event) => {
  const form = event.target.closest("[data-search]");
  if (!form) return;
  clearTimeout(waiting);
  waiting = setTimeout(async () => {
    const query = new URLSearchParams(new FormData(form));
    const { page } = await load(`${form.action}?${query}`).catch(() => ({}));
    // Answers may come in another order than they were asked for.
    if (!page || `${query}` !== `${new URLSearchParams(new FormData(form))}`) return;
    show("#notes", page);
    const found = document.querySelectorAll("ul.notes > li").length;
    tell(found === 1 ? "1 note found." : `${found} notes found.`);
  }, 200);
});

// Going back shows the page as it is now. A jump within a page has no state and is left alone.
history.replaceState({ page: true }, "");
window.addEventListener("popstate", (event) => event.state?.page && location.reload());

setInterval(async () => {
  if (document.hidden) return;
  const answer = await fetch("/visitors").catch(() => null);
  if (answer?.ok) visitors.textContent = await answer.text();
}, 5000);
