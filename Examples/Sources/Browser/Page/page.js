// The call: a peer connection here, an ICE client at the other end of the WebSocket. What is to be seen is in view.js.

import { View, parseCandidate } from "./view.js";

const view = new View();
let socket, connection, channel, timer;

function tell(message) {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

// A new WebSocket is a new ICE client at the other end, so that a call begins and ends with it.
function call() {
  clearInterval(timer);
  for (const old of [connection, socket]) old?.close();
  view.clear();
  const opened = socket = new WebSocket(`ws://${location.host}/socket`);
  socket.onopen = connect;
  socket.onmessage = ({ data }) => {
    if (opened === socket) hear(JSON.parse(data)).catch((error) => view.log("error", String(error)));
  };
  socket.onclose = () => {
    if (opened !== socket) return;
    clearInterval(timer);
    view.showAgentGone();
    view.notice("The Swift program is gone. Start it again, then call again.");
  };
}

function connect() {
  connection = new RTCPeerConnection();
  // Without a stream there is no ICE. It never opens: see the page.
  channel = connection.createDataChannel("nothing");
  connection.onnegotiationneeded = offer;
  connection.onicecandidate = ({ candidate }) => {
    // Null is the end of candidates, which signalling writes as an empty one.
    tell({ type: "candidate", candidate: candidate ?? { candidate: "" } });
    if (candidate?.candidate) view.addCandidate("browser", candidate);
  };
  connection.oniceconnectionstatechange = () => {
    view.log("browser", connection.iceConnectionState);
    refresh();
  };
  timer = setInterval(refresh, 1000);
}

async function offer() {
  await connection.setLocalDescription();
  view.log("browser", "offers");
  tell({ type: "offer", sdp: connection.localDescription.sdp });
}

async function hear(message) {
  switch (message.type) {
    case "answer":
      view.log("agent", "answers");
      await connection.setRemoteDescription({ type: "answer", sdp: message.sdp });
      for (const line of message.sdp.match(/^a=candidate:.*$/gm) ?? []) {
        view.addCandidate("agent", { candidate: line.slice(2), usernameFragment: message.sdp.match(/^a=ice-ufrag:(\S+)/m)[1] });
      }
      break;
    case "candidate":
      if (message.candidate.candidate) view.addCandidate("agent", message.candidate);
      await connection.addIceCandidate(message.candidate);
      break;
    case "state":
      view.log("agent", message.reason ? `${message.state}: ${message.reason}` : message.state);
      refresh();
      break;
    case "statistics": {
      const { candidatePairs, localCandidates, remoteCandidates, transport } = message.statistics;
      view.showAgent({
        state: transport.iceState, gathering: message.gathering, transport,
        pairs: candidatePairs, candidates: [...localCandidates, ...remoteCandidates],
      });
      break;
    }
    case "pair-failed":
      view.log("agent", `pair failed: ${message.reason}`);
      break;
    case "error":
      view.log("error", message.reason);
      break;
  }
}

// The other end sends its statistics when asked, so that it never has more to send than the page takes.
async function refresh() {
  tell({ type: "statistics" });
  const report = [...(await connection.getStats()).values()];
  const transport = connection.sctp?.transport?.iceTransport;
  const find = (wanted) => report.find(({ id }) => id === wanted);
  const pairs = report.filter(({ type }) => type === "candidate-pair");
  const whole = report.find(({ type }) => type === "transport");
  // Firefox names the pair in its own place.
  const pair = find(whole?.selectedCandidatePairId) ?? pairs.find(({ selected }) => selected);
  view.showBrowser({
    state: connection.iceConnectionState, gathering: connection.iceGatheringState, channel: channel.readyState,
    fragment: connection.localDescription?.sdp.match(/^a=ice-ufrag:(\S+)/m)?.[1],
    role: whole?.iceRole ?? transport?.role, pairs, pair, ends: selectedEnds(transport, pair, find),
  });
}

// Not every browser has getSelectedCandidatePair(), and not every one shows names in its statistics.
function selectedEnds(transport, pair, find) {
  const selected = transport?.getSelectedCandidatePair?.();
  if (selected) return [selected.local, selected.remote].map(({ candidate }) => parseCandidate(candidate));
  if (!pair) return undefined;
  return [find(pair.localCandidateId), find(pair.remoteCandidateId)].map((end) => ({ ...end, type: end.candidateType }));
}

document.getElementById("restart").onclick = () => {
  view.log("browser", "restarts ICE");
  view.clearCandidates();
  connection.restartIce();
};
document.getElementById("again").onclick = call;
call();
