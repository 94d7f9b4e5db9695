// Looks at the chosen file without losing it: the page's own answer, of which only the result is put in. Without this module
// the same form is sent and answered as a whole page.
for (const form of document.querySelectorAll("form[data-upload]")) {
  form.addEventListener("submit", async (event) => {
    if (event.submitter?.value !== "look") return;
    event.preventDefault();
    const button = event.submitter;
    button.disabled = true;
    try {
      const body = new FormData(form, button);
      const answer = await fetch(form.action, { method: "POST", body, headers: { accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const result = page.querySelector("#result");
      const wrong = page.querySelector("#file-error, .notice.no, main .lead");
      const here = document.querySelector("#result");
      here.replaceChildren(...(answer.ok && result ? result.childNodes : wrong ? [wrong] : []));
      here.scrollIntoView({ block: "start" });
    } finally {
      button.disabled = false;
    }
  });
}
