// Prints what happens on a simulated network for the seed given as argument. A test runs it in two processes and compares: Swift's
// hashing differs between processes, so that a run which depends on the order of a dictionary or set shows up here.

import ICETesting
import NetBase
import STUN

let seed = CommandLine.arguments.dropFirst().first.flatMap { UInt64($0) } ?? 1
let network = SimulatedNetwork(seed: seed)
network.isTracing = true
let impaired = LinkConditions(
    delay: .milliseconds(15), jitter: .milliseconds(10), loss: 0.1, duplication: 0.05, reordering: 0.1)

let serverHost = network.makeHost("stun", addresses: ["192.0.2.1", "2001:db8::1"])
try SimulatedSTUNServer(on: serverHost)
let carrier = network.makeNAT("carrier", external: ["198.51.100.1", "198.51.100.2"], behavior: .symmetric)

for index in 0..<6 {
    let address = IPAddress(v4: 0x6440_0001 + UInt32(index))
    let home = network.makeNAT("home\(index)", external: [address], behavior: .addressRestricted, behind: carrier)
    let host = network.makeHost("host\(index)", addresses: ["192.168.1.2", "fe80::2"], behind: home)
    host.link.setConditions(impaired)
    var generator = host.makeRandomNumberGenerator()
    for _ in 0..<3 {
        let socket = try host.bind("192.168.1.2:0")
        socket.onDatagram = { [weak socket] bytes, _ in
            guard let response = try? STUNMessage(parsing: bytes),
                let mapped = response[STUNMessage.XORMappedAddress.self]?.address
            else { return }
            try? socket?.send(bytes, to: mapped)
        }
        for _ in 0..<3 {
            let request = STUNMessage(.request, .binding, transactionID: STUNTransactionID(using: &generator))
            try socket.send(request.bytes.span, to: "192.0.2.1:3478")
        }
    }
    let stream = try host.connect(to: "192.0.2.1:3478")
    let request = STUNMessage(.request, .binding, transactionID: STUNTransactionID(using: &generator))
    try stream.write(request.bytes)
}
network.schedule(after: .milliseconds(20)) { carrier.rebind() }
network.run(for: .seconds(10))
print(network.traceText, terminator: "")
