// What is to be seen of a call. Both sides tell of themselves in the words of getStats(), so that one code shows them.

const points = 60;

export function parseCandidate(line) {
  const [foundation, , protocol, priority, address, port, , type] = line.replace(/^(a=)?candidate:/, "").split(" ");
  return { foundation, protocol: protocol.toLowerCase(), priority: Number(priority), address, port: Number(port), type };
}

function milliseconds(seconds) {
  if (seconds === undefined) return "–";
  const value = seconds * 1000;
  return `${value < 10 ? value.toFixed(value < 1 ? 2 : 1) : Math.round(value)} ms`;
}

// An address that only checks have shown stays hidden until the name that it goes by is looked up.
function place({ address, port }) {
  if (!address) return "hidden";
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}

function shortPlace(end) {
  return place(end).replace(/^([0-9a-f]{8})[0-9a-f-]+\.local:/, "$1….local:");
}

function count(number, what) {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

function element(name, text = "", className = "", title = "") {
  const made = document.createElement(name);
  Object.assign(made, { textContent: text, className, title });
  return made;
}

export class View {
  #sides = {
    browser: { end: "browser-end", side: "browser-side", candidates: [], times: [] },
    agent: { end: "agent-end", side: "agent-side", candidates: [], times: [] },
  };

  clear() {
    this.clearCandidates();
    document.getElementById("notice").hidden = true;
    document.getElementById("log").replaceChildren();
    document.querySelector("#pairs tbody").replaceChildren();
    for (const name of ["browser", "agent"]) {
      Object.assign(this.#sides[name], { times: [], path: undefined });
      this.#chart(name);
      this.#showEnd(name, "new", undefined);
      document.querySelector(`#${this.#sides[name].side} dl`).replaceChildren();
    }
  }

  clearCandidates() {
    for (const name of ["browser", "agent"]) {
      this.#sides[name].candidates = [];
      this.#showCandidates(name, undefined);
    }
  }

  notice(text) {
    const notice = document.getElementById("notice");
    notice.textContent = text;
    notice.hidden = false;
  }

  log(who, text) {
    const line = element("li");
    const label = { browser: "this browser", agent: "swift-ice", error: "error" }[who];
    const time = new Date().toTimeString().slice(0, 8);
    line.append(element("time", time), element("b", label, who), element("span", text));
    const log = document.getElementById("log");
    log.prepend(line);
    while (log.children.length > 100) log.lastChild.remove();
  }

  // Candidates come by signalling, and those of the client in its answer as well.
  addCandidate(name, { candidate }) {
    const { candidates } = this.#sides[name];
    const added = parseCandidate(candidate);
    if (candidates.some((known) => place(known) === place(added) && known.protocol === added.protocol)) return;
    candidates.push(added);
    this.#showCandidates(name, this.#sides[name].selected);
  }

  showBrowser({ state, gathering, channel, fragment, role, pairs, pair, ends }) {
    const usable = ["connected", "completed", "disconnected"].includes(state);
    this.#showEnd("browser", state, usable ? this.#named(ends, "browser", "agent") : undefined);
    this.#showFacts("browser", { role, gathering, fragment }, pairs);
    this.#noteTime("browser", usable ? pair?.currentRoundTripTime : undefined);
    document.getElementById("channel").textContent = channel;
  }

  showAgent({ state, gathering, transport, pairs, candidates }) {
    const find = (wanted) => candidates.find(({ id }) => id === wanted);
    const ends = ({ localCandidateId, remoteCandidateId }) =>
      [find(localCandidateId), find(remoteCandidateId)].map((end) => end && { ...end, type: end.candidateType });
    const pair = pairs.find(({ id }) => id === transport.selectedCandidatePairId);
    const selected = pair && ends(pair);
    // After a restart the old pair carries on for a moment, but its candidates are no longer listed.
    this.#showEnd("agent", state, !selected || selected.every(Boolean) ? selected : this.#sides.agent.selected);
    this.#showFacts("agent", { role: transport.iceRole, gathering, fragment: transport.iceLocalUsernameFragment }, pairs);
    this.#noteTime("agent", pair?.currentRoundTripTime);
    this.#showPairs(pairs, ends);
    document.getElementById("greetings").textContent = count(transport.packetsReceived, "datagram");
  }

  showAgentGone() {
    this.#showEnd("agent", "closed", undefined);
    this.#noteTime("agent", undefined);
  }

  // A browser that keeps names out of its statistics has told them by signalling.
  #named(ends, ...names) {
    return ends?.map((end, index) =>
      end.address ? end : this.#sides[names[index]].candidates.find(({ port, protocol }) => port === end.port && protocol !== "tcp") ?? end);
  }

  #showEnd(name, state, selected) {
    const side = this.#sides[name];
    side.state = state;
    side.selected = selected;
    const end = document.getElementById(side.end);
    const set = (field, text) => { end.querySelector(`[data-field=${field}]`).textContent = text; };
    const [local, remote] = selected ?? [];
    const path = local && `${shortPlace(local)} → ${shortPlace(remote)}`;
    if (path && path !== side.path) this.log(name, path);
    side.path = path;
    set("state", state);
    end.dataset.state = state;
    end.dataset.selected = local ? "yes" : "no";
    set("selected", local ? place(local) : "no pair yet");
    set("selected-detail", local ? `${local.type}, to ${place(remote)} (${remote.type})` : "");
    this.#showCandidates(name, selected);
    const states = ["browser", "agent"].map((name) => this.#sides[name].state);
    const isUp = states.every((state) => state === "connected" || state === "completed");
    const isDown = states.some((state) => ["failed", "disconnected", "closed"].includes(state));
    document.getElementById("line").className = `line ${isUp ? "up" : isDown ? "down" : "waiting"}`;
  }

  #showCandidates(name, selected) {
    const { side, candidates } = this.#sides[name];
    const rows = candidates.map((candidate) => {
      const row = element("tr");
      // Browsers offer TCP candidates too, which the client has no use for.
      if (candidate.protocol === "tcp") row.className = "unused";
      if (selected?.[0] && candidate.protocol !== "tcp" && place(selected[0]) === place(candidate)) row.className = "selected";
      const type = element("td");
      type.append(element("span", candidate.type, `type ${candidate.type}`));
      row.append(
        type, element("td", candidate.address, "address", candidate.address), element("td", candidate.port, "number"),
        element("td", candidate.protocol), element("td", candidate.priority, "number"));
      return row;
    });
    if (rows.length === 0) {
      const none = element("td", "none yet", "none");
      none.colSpan = 5;
      rows.push(element("tr"));
      rows[0].append(none);
    }
    document.querySelector(`#${side} tbody`).replaceChildren(...rows);
  }

  #showFacts(name, { role, gathering, fragment }, pairs) {
    const sum = (field) => pairs.reduce((sum, pair) => sum + (pair[field] ?? 0), 0);
    const facts = {
      "role": role ?? "–", "gathering": gathering, "username fragment": fragment ?? "–", "pairs": pairs.length,
      "checks sent": sum("requestsSent") + (name === "browser" ? sum("consentRequestsSent") : 0),
      "checks answered": sum("responsesSent"),
    };
    const list = Object.entries(facts).map(([term, value]) => {
      const item = element("div");
      item.append(element("dt", term), element("dd", value));
      return item;
    });
    document.querySelector(`#${this.#sides[name].side} dl`).replaceChildren(...list);
  }

  #showPairs(pairs, ends) {
    const rows = pairs.map((pair) => {
      const row = element("tr", "", pair.selected ? "selected" : "");
      const state = pair.selected ? "selected" : pair.nominated ? "nominated" : pair.state;
      const cell = element("td");
      cell.append(element("span", state, `type ${state}`));
      row.append(cell, ...ends(pair).map((end) =>
        end ? element("td", shortPlace(end), "address", place(end)) : element("td", "of before the restart", "none")));
      row.append(
        element("td", milliseconds(pair.currentRoundTripTime), "number"), element("td", pair.requestsSent, "number"),
        element("td", pair.responsesReceived, "number"), element("td", pair.requestsReceived, "number"));
      return row;
    });
    document.querySelector("#pairs tbody").replaceChildren(...rows);
  }

  #noteTime(name, seconds) {
    document.querySelector(`[data-field=${name}-rtt]`).textContent = milliseconds(seconds);
    if (seconds === undefined) return;
    const { times } = this.#sides[name];
    times.push(seconds);
    if (times.length > points) times.shift();
    for (const name of ["browser", "agent"]) this.#chart(name);
  }

  // Both lines have one scale, from 0 to the longest round trip of either.
  #chart(name) {
    const longest = Math.max(0.0001, ...this.#sides.browser.times, ...this.#sides.agent.times);
    const { times } = this.#sides[name];
    const line = times.map((time, index) => `${((points - times.length + index) / (points - 1)) * 240},${46 - (time / longest) * 44}`);
    document.getElementById(`${name}-chart`).setAttribute("points", line.join(" "));
  }
}
