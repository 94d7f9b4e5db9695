// Asks how far the import is until it has ended. Without this module the page loads itself again.
const PAUSE_MS = 1000;
const ask = async () => {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const job = page.querySelector("#job");
  if (!answer.ok || !job) return true;
  document.querySelector("#job").replaceWith(job);
  return ["done", "failed"].includes(job.dataset.state);
};
const follow = async () => {
  let ended = false;
  try {
    ended = await ask();
  } catch {
    // The line is bad: ask again.
  }
  if (!ended) setTimeout(follow, PAUSE_MS);
};
setTimeout(follow, PAUSE_MS);
