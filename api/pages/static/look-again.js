"use strict";

// The first page while nothing has arrived: it looks whether something has, and shows it then.
const NOTHING_YET = "data-nothing-yet";
const EVERY_MS = 10_000;

async function look() {
  try {
    const answer = document.hidden ? null : await fetch(location.href);
    if (answer?.ok && !(await answer.text()).includes(NOTHING_YET)) {
      location.reload();
      return;
    }
  } catch {
    // The server is away: the next look may find it.
  }
  setTimeout(look, EVERY_MS);
}

setTimeout(look, EVERY_MS);
