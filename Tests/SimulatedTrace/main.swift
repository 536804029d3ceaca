// Prints what happens on a simulated network for the seed given as argument. A test runs it in two processes and compares: Swift's
// hashing differs between processes, so that a run which depends on the order of a dictionary or set shows up here.

import ICETesting

let impaired = LinkConditions(
    delay: .milliseconds(15), jitter: .milliseconds(10), loss: 0.1, duplication: 0.05, reordering: 0.1)

let seed = CommandLine.arguments.dropFirst().first.flatMap { UInt64($0) } ?? 1
let network = SimulatedNetwork(seed: seed)
network.isTracing = true
let serverHost = network.makeHost("stun", addresses: ["192.0.2.1", "2001:db8:5::1"])
network.names["stun.example.org"] = ["192.0.2.1", "2001:db8:5::1"]
try SimulatedSTUNServer(on: serverHost)

let chatter = try Chatter(on: network, asking: "192.0.2.1:3478")
let call = try Call(on: network, askingServerAt: "stun:stun.example.org")
try call.run()
print(network.traceText, terminator: "")
