import NetBase
import Testing

@testable import UV

extension UVTests {
    @Suite("Network interfaces")
    struct NetworkInterfacesTests {
        @Test("The loopback interface is there with its prefix")
        func loopback() throws {
            let addresses = try NetworkInterfaces.addresses()
            let loopback = try #require(addresses.first { $0.ip == .loopback(.v4) })
            #expect(loopback.prefixLength == 8)
            #expect(loopback.index > 0)
            #expect(!loopback.isTemporary && !loopback.isDeprecated)
            #expect(loopback.interface.hasPrefix("lo"))
            if let v6 = addresses.first(where: { $0.ip == .loopback(.v6) }) { #expect(v6.prefixLength == 128) }
        }

        @Test("Only link-local IPv6 addresses have a scope, that of their interface")
        func scopes() throws {
            for address in try NetworkInterfaces.addresses() {
                let isLinkLocal = address.ip.family == .v6 && address.ip.isLinkLocal
                #expect(address.ip.scopeID == (isLinkLocal ? address.index : 0))
                #expect(0...(address.ip.byteCount * 8) ~= address.prefixLength)
            }
        }

        @Test("A loopback address is reached from itself", arguments: [.loopback(.v4), .loopback(.v6)] as [IPAddress])
        func sourceAddress(_ ip: IPAddress) throws {
            guard try NetworkInterfaces.addresses().contains(where: { $0.ip == ip }) else { return }
            #expect(try NetworkInterfaces.sourceAddress(towards: ip) == ip)
        }

        @Test("No route leads to an address that is none")
        func noSourceAddress() {
            #expect(throws: NetworkError.self) { try NetworkInterfaces.sourceAddress(towards: IPAddress(v4: .max)) }
        }

        @Test("Linux's flags of IPv6 addresses are read")
        func flags() throws {
            let text = """
                fe80000000000000020c29fffe0a0b0c 02 40 20 80     eth0
                20010db8000000000000000000000001 02 40 00 01     eth0
                20010db8000000000000000000000002 02 40 00 20     eth0
                20010db8000000000000000000000003 02 40 00 c8     eth0
                20010db80000000000000000000000
                garbage of another kind entirely here
                """
            let flags = IPv6AddressFlags.parse(text)
            #expect(flags.count == 4)
            #expect(flags[try #require(IPAddress("fe80::20c:29ff:fe0a:b0c%2"))]?.isDisjoint(with: .unfit) == true)
            #expect(flags[try #require(IPAddress("2001:db8::1"))] == .temporary)
            #expect(flags[try #require(IPAddress("2001:db8::2"))]?.contains(.deprecated) == true)
            #expect(flags[try #require(IPAddress("2001:db8::3"))]?.contains([.tentative, .duplicate]) == true)
        }
    }
}
