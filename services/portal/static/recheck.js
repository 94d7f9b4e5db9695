// The second verifier, in this browser: fetches the proof file, lets the worker verify it with the policy on the page, and
// says whether it comes to the word of the server. What it says it says in the page's own texts.

const place = document.getElementById("recheck");
const said = document.getElementById("recheck-said");
const button = document.getElementById("recheck-button");
const words = JSON.parse(place.dataset.words);
const MARKS = { CONSISTENT: "yes", TO_REVIEW: "look", INCOMPLETE: "part", untrusted: "look", invalid: "no", unreadable: "part" };

function say(key, facts = {}) {
  return words[`recheck.${key}`].replace(/\{(\w+)\}/g, (_, name) => facts[name]);
}

function paragraph(text, name = "") {
  const made = document.createElement("p");
  made.className = name;
  made.textContent = text;
  return made;
}

function chip(mark, word) {
  const made = document.createElement("p");
  const inside = document.createElement("span");
  inside.className = `chip ${mark}`;
  inside.textContent = word;
  made.append(inside);
  return made;
}

function show({ outcome, verdict, log }) {
  const word = outcome === "valid" && verdict ? verdict.word : outcome;
  const same = word === place.dataset.word;
  const rules = verdict ? verdict.rules : [];
  const count = (status) => rules.filter((rule) => rule.status === status).length;
  said.replaceChildren(
    chip(MARKS[word], words[`word.${word}`]),
    paragraph(say(same ? "same" : "other"), `notice ${same ? "yes" : "no"}`),
    paragraph(say("counted", { pass: count("PASS"), fail: count("FAIL"), open: count("NOT_EVALUATED") }), "hint"),
  );
  if (log) said.append(paragraph(say("root", { size: log.size, root: log.root }), "hint"));
  place.dataset.found = word;
}

async function recheck() {
  button.disabled = true;
  said.replaceChildren(paragraph(say("working"), "hint"));
  try {
    const answer = await fetch(place.dataset.file);
    if (!answer.ok) throw new Error(`${answer.status}`);
    const file = new Uint8Array(await answer.arrayBuffer());
    const policy = new TextEncoder().encode(document.getElementById("policy").textContent);
    const worker = new Worker(place.dataset.worker);
    const report = await new Promise((resolve, reject) => {
      worker.onerror = (event) => reject(new Error(event.message));
      worker.onmessage = ({ data }) => {
        if (data.report) resolve(data.report);
        else if (data.fault) reject(new Error(data.fault));
        else said.replaceChildren(paragraph(say("progress", data), "hint"));
      };
      worker.postMessage({ file, policy });
    });
    worker.terminate();
    show(report);
    button.hidden = true;
  } catch (error) {
    said.replaceChildren(paragraph(say("failed", { why: error.message }), "notice look"));
    button.disabled = false;
  }
}

button.hidden = false;
button.addEventListener("click", recheck);
