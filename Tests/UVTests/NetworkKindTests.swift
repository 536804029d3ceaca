#if os(Linux)
    import NetBase
    import Testing

    @testable import UV

    @Suite("What the system tells of an interface")
    struct NetworkKindTests {
        @Test(
            "Drivers, hardware types and tunnels are told apart",
            arguments: [
                (1, nil, false, "eth0", NetworkKind.ethernet), (1, "wlan", false, "wlp3s0", .wifi),
                (803, nil, false, "mon0", .wifi), (1, "wwan", false, "wwp0s20", .cellular),
                (1, nil, false, "rmnet_data0", .cellular), (65534, nil, true, "tun0", .vpn),
                (1, nil, true, "tap0", .vpn),
                (65534, "wireguard", false, "wg0", .vpn), (776, nil, false, "sit0", .vpn),
                (772, nil, false, "lo", .loopback),
                (512, nil, false, "ppp0", .unknown), (nil, nil, false, "x", .unknown),
            ] as [(Int?, String?, Bool, String, NetworkKind)])
        func kinds(_ type: Int?, _ device: String?, _ isTunnel: Bool, _ name: String, _ kind: NetworkKind) {
            #expect(NetworkKind(hardwareType: type, deviceType: device, isTunnel: isTunnel, name: name) == kind)
        }

        @Test("This machine's loopback interface is one, and a name that nobody has is unknown")
        func here() throws {
            #expect(NetworkKind(ofInterface: "lo") == .loopback)
            #expect(NetworkKind(ofInterface: "no such name") == .unknown)
            let loopback = try NetworkInterfaces.addresses().filter(\.ip.isLoopback)
            #expect(loopback.allSatisfy { $0.kind == .loopback })
        }
    }
#endif
